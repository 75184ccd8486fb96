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
	db      *DB
	catalog *catalog.Catalog
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
// records would look as if it had none.
func (p *Platform) ReadCategory(ctx context.Context, c schema.Category, account, after string, do func(readAt time.Time, rows schema.RecordReader) error) error {
	return p.db.Read(ctx, p.catalog.Query(c), account, after, func(s *Snapshot) error {
		visible, err := s.Has(p.catalog.Account(), account)
		if err == nil && !visible {
			err = accountNotFound()
		}
		if err != nil {
			return err
		}
		return do(s.ReadAt, s)
	})
}

// ReadDay calls do with the records of a type that the account has of a UTC day,
// ordered by creation and SID. Erased calls are left out.
func (p *Platform) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(rows schema.RecordReader) error) error {
	from := day.Begins()
	args := []any{account, from, from.AddDate(0, 0, 1), erased}[:days.Params(t)]
	return p.db.ReadRows(ctx, p.catalog.Day(t), args, func(s *Snapshot) error { return do(s) })
}
