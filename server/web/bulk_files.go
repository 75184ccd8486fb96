package web

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"satchel/schema"
)

// fileView is a day file at the time Now.
type fileView struct {
	Now  time.Time
	File schema.DayFile
}

// sortFiles keeps the newest files first, and orders the files of one job, which are written
// in any order, by day, newest first.
func sortFiles(files []schema.DayFile) {
	group := func(f schema.DayFile) string { return cmp.Or(f.Job, string(f.Day)) }
	first := map[string]int{}
	for i, f := range slices.Backward(files) {
		first[group(f)] = i
	}
	slices.SortStableFunc(files, func(a, b schema.DayFile) int {
		return cmp.Or(cmp.Compare(first[group(a)], first[group(b)]), cmp.Compare(b.Day, a.Day))
	})
}

// VisibleFiles are shown at once, HiddenFiles behind "more files".
func (v bulkLive) VisibleFiles() []schema.DayFile { return v.Files[:min(len(v.Files), visibleFiles)] }
func (v bulkLive) HiddenFiles() []schema.DayFile  { return v.Files[min(len(v.Files), visibleFiles):] }

// deliveryView is a webhook on the page.
type deliveryView struct{ schema.Event }

// Subject says what the webhook reports.
func (v deliveryView) Subject() string {
	if v.Job == "" {
		return fmt.Sprintf("Daily export of %s, %s", v.Type, formatDate(v.Day))
	}
	return v.Name
}
