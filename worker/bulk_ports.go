package main

import (
	"context"

	"satchel/activities"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

// bulkSourcePort reads whole days.
type bulkSourcePort struct{ sourcePort }

var (
	_ activities.BulkSource = bulkSourcePort{}
	_ activities.Archive    = (*source.Archive)(nil)
)

func newBulkSourcePort(db *source.DB, queries *catalog.Catalog) bulkSourcePort {
	return bulkSourcePort{newSourcePort(db, queries)}
}

func (p bulkSourcePort) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(activities.DayRows) error) error {
	from := day.Begins()
	args := []any{account, from, from.AddDate(0, 0, 1)}
	if t == schema.Calls {
		args = append(args, erased)
	}
	return p.db.ReadRows(ctx, p.queries.Day(t), args, func(s *source.Snapshot) error { return do(s) })
}

// openArchive opens the archive of old calls. It is nil where no URL says where
// that is. A company whose catalog does not say how to delete from it has none.
func openArchive(url string, queries *catalog.Catalog, maxConns int) (archive activities.Archive, finish func(), err error) {
	switch {
	case queries.EraseCalls() == "":
		return noArchive{}, func() {}, nil
	case url == "":
		return nil, func() {}, nil
	}
	opened, err := source.OpenArchive(url, queries.EraseCalls(), maxConns)
	if err != nil {
		return nil, nil, err
	}
	return opened, func() { _ = opened.Close() }, nil // nothing is lost by it
}

// noArchive is that of a company that keeps no old calls elsewhere.
type noArchive struct{}

func (noArchive) EraseCalls(context.Context, string, []string) error { return nil }
