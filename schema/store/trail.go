package store

import (
	"context"

	"github.com/lib/pq"

	"satchel/schema/store/sqlstate"
)

// Deed is a line of an export's audit trail, with what is counted of a removal.
type Deed struct {
	Event
	Objects int `db:"objects"` // deleted
	Left    int `db:"left_over"`
}

// longestTrail is how much of all trails together is read.
const longestTrail = 5000

// Trails reads the audit trails of an account's exports, each oldest first. A
// download that was resumed is one line, however often that was.
func (s *Store) Trails(ctx context.Context, account string, exports []string) (map[string][]Deed, error) {
	var deeds []Deed
	err := s.db.SelectContext(ctx, &deeds, `select at, account_sid, subject, actor, action,
			coalesce((details->>'objects')::int, 0) as objects, coalesce((details->>'left')::int, 0) as left_over
		from satchel.audit where account_sid = $1 and subject = any($2)
			and (action <> 'downloaded' or coalesce(details->>'from', '0') = '0')
		order by id limit $3`, account, pq.Array(exports), longestTrail)
	if err != nil {
		return nil, sqlstate.Wrap("read audit", err)
	}
	trails := make(map[string][]Deed, len(exports))
	for _, d := range deeds {
		trails[d.Subject] = append(trails[d.Subject], d)
	}
	return trails, nil
}
