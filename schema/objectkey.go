package schema

import (
	"fmt"
	"time"
)

// All day files are stored under DayFilesPrefix, all account exports under
// ExportsPrefix. What follows is an ID and a slash. Erasures are stored under
// ErasuresPrefix.
const (
	DayFilesPrefix = "days/"
	ExportsPrefix  = "exports/"
	ErasuresPrefix = "erasures/"
)

// ErasureObject is the key of an erasure of this time. Keys are in the order of
// time; name makes those of the same time differ.
func ErasureObject(at time.Time, name string) string {
	return ErasuresPrefix + at.UTC().Format(erasureTime) + "-" + name
}

const erasureTime = "20060102T150405.000000Z"

// ExportPrefix is the prefix of all objects of an export.
func ExportPrefix(export string) string { return ExportsPrefix + export + "/" }

// PieceObject is the key of one piece of a category. attempt makes the keys of
// concurrent attempts differ.
func PieceObject(export string, c Category, seq int, attempt string) string {
	return fmt.Sprintf("%s%s/%05d-%s", ExportPrefix(export), c, seq, attempt)
}

// ArchiveObject is the key of the archive that one attempt assembles.
func ArchiveObject(export, attempt string) string { return ExportPrefix(export) + "archive-" + attempt }

// DayFilePrefix is the prefix of all objects of a day file.
func DayFilePrefix(file string) string { return DayFilesPrefix + file + "/" }

// DayFileObject is the key of a day file.
func DayFileObject(file string) string { return DayFilePrefix(file) + "lines.gz" }
