package schema

import "fmt"

// All day files are stored under DayFilesPrefix, all account exports under
// ExportsPrefix. What follows is an ID and a slash.
const (
	DayFilesPrefix = "days/"
	ExportsPrefix  = "exports/"
)

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
