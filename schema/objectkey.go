package schema

import "fmt"

// All day files are stored under DayFolder, all account exports under
// ExportFolder. What follows is an ID and a slash.
const (
	DayFolder    = "days/"
	ExportFolder = "exports/"
)

// ObjectPrefix is the prefix of all objects of an export.
func ObjectPrefix(export string) string { return ExportFolder + export + "/" }

// PieceObject is the key of one piece of a category. attempt keeps the keys of
// two collectors apart.
func PieceObject(export string, c Category, seq int, attempt string) string {
	return fmt.Sprintf("%s%s/%05d-%s", ObjectPrefix(export), c, seq, attempt)
}

// ArchiveObject is the key of the archive that one attempt assembles.
func ArchiveObject(export, attempt string) string { return ObjectPrefix(export) + "archive-" + attempt }

// DayPrefix is the prefix of all objects of a day file.
func DayPrefix(file string) string { return DayFolder + file + "/" }

// DayObject is the key of a day file.
func DayObject(file string) string { return DayPrefix(file) + "lines.gz" }
