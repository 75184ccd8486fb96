package store

import (
	"context"
	"time"

	"satchel/schema/store/sqlstate"
)

// Now is the time by the database's clock, which decides when links end.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := s.db.GetContext(ctx, &now, `select clock_timestamp()`)
	return now, sqlstate.Wrap("read the clock", err)
}
