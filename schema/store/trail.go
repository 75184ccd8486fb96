package store

import (
	"context"

	"github.com/lib/pq"

	"satchel/schema/store/sqlstate"
)

// Deed is a line of an export's audit trail, with what is counted of a removal.
// What somebody downloaded is one line, however often they did, at the last time.
type Deed struct {
	Event
	Times   int64 `db:"times"`
	Objects int   `db:"objects"` // deleted
	Left    int   `db:"left_over"`
}

// longestTrail is how many lines of all trails together are read of downloads,
// and how many of all else; of more, the newest.
const longestTrail = 5000

// Trails reads the audit trails of an account's exports, each oldest first. A
// download that was resumed counts once, however often that was.
func (s *Store) Trails(ctx context.Context, account string, exports []string) (map[string][]Deed, error) {
	var deeds []Deed
	err := s.db.SelectContext(ctx, &deeds, `select at, account_sid, subject, actor, action, times, objects, left_over from (
			(select id, at, account_sid, subject, actor, action, 1 as times,
				coalesce((details->>'objects')::int, 0) as objects, coalesce((details->>'left')::int, 0) as left_over
			from satchel.audit where account_sid = $1 and subject = any($2) and action <> $4
			order by id desc limit $3)
			union all
			(select max(id) as id, max(at) as at, account_sid, subject, actor, action, count(*) as times, 0 as objects, 0 as left_over
			from satchel.audit where account_sid = $1 and subject = any($2) and action = $4 and coalesce(details->>'from', '0') = '0'
			group by account_sid, subject, actor, action
			order by max(id) desc limit $3)
		) deeds order by id`, account, pq.Array(exports), longestTrail, Downloaded)
	if err != nil {
		return nil, sqlstate.Wrap("read audit", err)
	}
	trails := make(map[string][]Deed, len(exports))
	for _, d := range deeds {
		trails[d.Subject] = append(trails[d.Subject], d)
	}
	return trails, nil
}
