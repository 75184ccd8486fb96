package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// JobCursor is a position in the list of an account's jobs: after the job it
// names. The zero JobCursor is the start of the list.
type JobCursor struct {
	CreatedAt time.Time
	ID        string
}

// CursorAfter returns the position after a job.
func CursorAfter(job schema.Job) JobCursor { return JobCursor{job.CreatedAt, job.ID} }

// String formats the cursor for ParseJobCursor. It needs no escaping in a URL.
func (c JobCursor) String() string { return fmt.Sprintf("%d.%s", c.CreatedAt.UnixMicro(), c.ID) }

// ParseJobCursor parses what String returns, and returns false for every other
// string.
func ParseJobCursor(s string) (JobCursor, bool) {
	at, id, _ := strings.Cut(s, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || micros < 0 || !schema.IsJobID(id) {
		return JobCursor{}, false
	}
	return JobCursor{time.UnixMicro(micros), id}, true
}

// Jobs lists the account's jobs that have not ended, or ended no longer ago
// than kept, newest first and ties by ID, with their days. The zero type is all
// types. Pages that each begin after the last job of the previous one hold every
// job once, whatever is added meanwhile.
func (b *BulkExports) Jobs(ctx context.Context, account string, t schema.ResourceType, kept time.Duration, before JobCursor, limit int) ([]schema.Job, error) {
	list, err := readJobs(ctx, b.pool, `account_sid = $1 and ($2 = '' or resource_type = $2)
		and (ended_at is null or ended_at > statement_timestamp() - $3 * interval '1 microsecond')
		and ($5 = '' or (created_at, id) < ($4, $5))
		order by created_at desc, id desc limit $6`, account, t, kept.Microseconds(), before.CreatedAt, before.ID, limit)
	return list, sqlstate.Wrap("list jobs", err)
}
