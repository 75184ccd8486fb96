package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"satchel/schema"
	"satchel/schema/store"
)

func position(t require.TestingT, s *store.BulkExports, job string) int {
	q, err := s.Queue(context.Background(), job)
	require.NoError(t, err)
	return q.Position
}

func TestAJobQueuesAfterEarlierJobs(t *testing.T) {
	s := openBulk(t)
	a, b, c := opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID())
	queues, err := s.Queues(t.Context(), []string{a.ID, b.ID, c.ID, schema.NewJobID()})
	require.NoError(t, err)
	require.Len(t, queues, 3)
	for i, o := range []schema.NewJob{a, b, c} {
		require.Equal(t, i+1, queues[o.ID].Position)
	}
	require.Equal(t, 3*time.Second, queues[c.ID].EstimatedEnd.Sub(queues[a.ID].EstimatedEnd), "two seconds for each of six days, four at a time")
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, now.Add(1500*time.Millisecond), queues[a.ID].EstimatedEnd, time.Second)

	for _, day := range a.Start.To(a.End) {
		begin(t, s, a.ID, day)
	}
	require.Equal(t, []int{0, 1, 2}, []int{position(t, s, a.ID), position(t, s, b.ID), position(t, s, c.ID)})
	require.NoError(t, s.MarkDayRetrying(t.Context(), a.ID, a.Start))
	require.Equal(t, []int{1, 1, 2}, []int{position(t, s, a.ID), position(t, s, b.ID), position(t, s, c.ID)}, "a retry moves no other job back")
	begin(t, s, b.ID, b.Start)
	require.NoError(t, s.StopJob(t.Context(), b.ID, ""))
	require.Equal(t, []int{1, 0, 1}, []int{position(t, s, a.ID), position(t, s, b.ID), position(t, s, c.ID)})
	_, err = s.EndJob(t.Context(), a.ID)
	require.NoError(t, err)
	q, err := s.Queue(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, schema.QueueStatus{}, q)
}

func TestTheEstimateUsesTheDurationOfTheLatestDays(t *testing.T) {
	s := openBulk(t)
	done, o := opened(t, s, schema.NewAccountID()), opened(t, s, schema.NewAccountID())
	begin(t, s, done.ID, done.Start)
	for seconds, want := range map[int]time.Duration{40: 30 * time.Second, 0: 75 * time.Millisecond} {
		_, err := s.SQL().Exec(`update satchel.job_days set status = 'Completed', ended_at = now(),
			started_at = now() - $2 * interval '1 second' where job_id = $1`, done.ID, seconds)
		require.NoError(t, err)
		q, err := s.Queue(t.Context(), o.ID)
		require.NoError(t, err)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, now.Add(want), q.EstimatedEnd, 5*time.Second)
		require.True(t, q.EstimatedEnd.After(now.Add(want-5*time.Second)))
	}
}

func TestAPositionInTheQueueNeverGrows(t *testing.T) {
	s := openBulk(t)
	ctx := t.Context()
	days := schema.Day("2026-02-27").To("2026-03-01")
	rapid.Check(t, func(rt *rapid.T) {
		_, err := s.SQL().Exec(`delete from satchel.jobs`)
		require.NoError(rt, err)
		var ids []string
		for range 3 {
			o := aJob(schema.NewAccountID())
			require.NoError(rt, s.OpenJob(ctx, o))
			ids = append(ids, o.ID)
		}
		best := map[string]int{}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			id, day := rapid.SampledFrom(ids).Draw(rt, "job"), rapid.SampledFrom(days).Draw(rt, "day")
			switch rapid.IntRange(0, 15).Draw(rt, "step") {
			case 0:
				_, err = s.EndJob(ctx, id)
			case 1:
				if err = s.StopJob(ctx, id, ""); schema.KindOf(err) == schema.Conflict {
					err = nil
				}
			case 2:
				err = s.MarkDayFailed(ctx, id, day)
			case 3, 4, 5, 6, 7:
				err = s.MarkDayRetrying(ctx, id, day)
			default:
				_, err = s.BeginDay(ctx, id, day)
			}
			require.NoError(rt, err)
			queues, err := s.Queues(ctx, ids)
			require.NoError(rt, err)
			for id, q := range queues {
				if seen, ok := best[id]; ok && q.Position > 0 {
					require.LessOrEqual(rt, q.Position, seen)
				}
				if q.Position > 0 {
					best[id] = q.Position
				}
			}
		}
	})
}

func TestAJobThatIsOpenedSlowlyDoesNotGetAheadOfAnotherInTheQueue(t *testing.T) {
	s := openBulk(t)
	quotaAccount := opened(t, s, schema.NewAccountID()).QuotaAccount
	slow, quick := aJob(quotaAccount), aJob(schema.NewAccountID())
	var first int
	race(t, s.DB, `select from satchel.bulk_quota where account_sid = $1 for update`, []any{quotaAccount}, // slow waits for it with its row written
		func() { require.NoError(t, s.OpenJob(context.Background(), slow)) },
		func() {
			require.NoError(t, s.OpenJob(context.Background(), quick))
			first = position(t, s, quick.ID)
		})
	require.Equal(t, first, position(t, s, quick.ID))
}
