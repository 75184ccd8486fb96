package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
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

// fileList is the page of files that is shown.
type fileList struct {
	Types  []schema.ResourceType
	Type   schema.ResourceType // the only one that is listed, or ""
	Empty  bool                // files without records are listed, too
	Before int64               // Seq that the page begins at, or 0 for the newest files
	Older  int64               // Before of the next page, or 0
	Count  store.DayFileCounts // of the type
	List   []schema.DayFile
}

// loadFiles reads the page of files that the query parameters ask for. Parameters that are not
// valid are ignored.
func (w *Web) loadFiles(ctx context.Context, p auth.Principal, query url.Values) (v fileList, err error) {
	v = fileList{Types: schema.ResourceTypes, Empty: query.Get("empty") == "show"}
	if t := query.Get("type"); schema.IsResourceType(t) {
		v.Type = schema.ResourceType(t)
	}
	before := int64(math.MaxInt64)
	if seq, err := strconv.ParseInt(query.Get("files"), 10, 64); err == nil && seq > 0 {
		v.Before, before = seq, seq
	}
	v.List, v.Count, err = w.Bulk.DayFiles(ctx, p, store.DayFileFilter{Type: v.Type, Empty: v.Empty}, before, shownFiles+1)
	if len(v.List) > shownFiles {
		v.List = v.List[:shownFiles]
		v.Older = v.List[shownFiles-1].Seq
	}
	sortFiles(v.List)
	return v, err
}

// query returns the query parameters of the list with another type, another page, and with or
// without files that have no records.
func (v fileList) query(t schema.ResourceType, empty bool, before int64) template.URL {
	q := url.Values{}
	if t != "" {
		q.Set("type", string(t))
	}
	if empty {
		q.Set("empty", "show")
	}
	if before > 0 {
		q.Set("files", strconv.FormatInt(before, 10))
	}
	return template.URL(q.Encode()) //nolint:gosec // encoded
}

// Current, OfType, WithEmpty, Newest and Next are the query parameters of the list that is
// shown and of those that it links to.
func (v fileList) Current() template.URL                     { return v.query(v.Type, v.Empty, v.Before) }
func (v fileList) OfType(t schema.ResourceType) template.URL { return v.query(t, v.Empty, 0) }
func (v fileList) WithEmpty(shown bool) template.URL         { return v.query(v.Type, shown, 0) }
func (v fileList) Newest() template.URL                      { return v.query(v.Type, v.Empty, 0) }
func (v fileList) Next() template.URL                        { return v.query(v.Type, v.Empty, v.Older) }

// deliveryView is a webhook on the page.
type deliveryView struct{ schema.Event }

// Subject says what the webhook reports.
func (v deliveryView) Subject() string {
	if v.Job == "" {
		return fmt.Sprintf("Daily export of %s, %s", v.Type, formatDate(v.Day))
	}
	return v.Name
}
