package source

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/days"
)

// Platform reads the platform's records and its directory with the queries of a
// catalog.
type Platform struct {
	*Directory

	// DayGrace is how long after the end of a day its records may still be
	// committed. A day is not read earlier.
	DayGrace time.Duration
	// IgnoreReplay makes the clock alone decide when a standby has all records of a
	// day, for a database that looks like a standby and does not tell what it has
	// replayed.
	IgnoreReplay bool

	db        *DB
	catalog   *catalog.Catalog
	wholeDays wholeDays
}

// NewPlatform returns the platform in this database as the catalog describes it.
func NewPlatform(db *DB, c *catalog.Catalog) *Platform {
	return &Platform{db: db, catalog: c, Directory: db.Directory(DirectoryQueries{
		People: c.People(), Account: c.Account(), Credentials: c.Credentials(),
		Signing: c.Signing(), Subaccounts: c.Subaccounts(), Call: c.Call(),
	})}
}

// ReadCategory calls do with the account's records of a category whose key is
// greater than after, or with all if after is "", in key order and as of readAt. It returns
// schema.NotFound if the account is not visible at that instant: reading no
// records would look as if it had none. What no further attempt can read is
// schema.Unreadable, which names the category.
func (p *Platform) ReadCategory(ctx context.Context, c schema.Category, account, after string, do func(readAt time.Time, rows schema.RecordReader) error) error {
	err := p.db.Read(ctx, p.catalog.Query(c), account, after, func(s *Snapshot) error {
		visible, err := s.Has(p.catalog.Account(), account)
		if err == nil && !visible {
			err = accountNotFound()
		}
		if err != nil {
			return err
		}
		return do(s.ReadAt, s)
	})
	return unreadable("category "+string(c), err)
}

// ReadDay calls do with the records of a type that the account has of a UTC day,
// ordered by creation and SID. Erased calls are left out. The error has
// schema.CodeDayNotWhole while the database may not have all of them. Like
// ReadCategory, it returns schema.Unreadable for what no further attempt can read.
func (p *Platform) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(rows schema.RecordReader) error) error {
	if !p.catalog.HasDays() {
		return schema.Errorf(schema.Conflict, schema.CodeBulkOff, "The catalog has no queries for bulk exports.")
	}
	from := day.Begins()
	args := []any{account, from, from.AddDate(0, 0, 1), erased}[:days.Params(t)]
	check := func(s *Snapshot) error { return p.wholeDays.check(s, day, p.DayGrace, !p.IgnoreReplay) }
	err := p.db.readRows(ctx, p.catalog.Day(t), args, check, func(s *Snapshot) error { return do(s) })
	return unreadable(string(t)+" of "+string(day), err)
}
