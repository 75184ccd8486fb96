package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"satchel/schema"
	"satchel/schema/store"
)

func jobIDs(list []schema.Job) (ids []string) {
	for _, j := range list {
		ids = append(ids, j.ID)
	}
	return ids
}

func TestJobsAreListedNewestFirstByTypeWhileTheyAreKept(t *testing.T) {
	s := openBulk(t)
	account := schema.NewAccountID()
	calls, messages := opened(t, s, account), aJob(account)
	messages.Type = schema.Messages
	require.NoError(t, s.OpenJob(t.Context(), messages))
	opened(t, s, schema.NewAccountID())

	all, err := s.Jobs(t.Context(), account, "", week, store.JobCursor{}, 10)
	require.NoError(t, err)
	require.Equal(t, []string{messages.ID, calls.ID}, jobIDs(all))
	require.Len(t, all[0].Days, 3)
	require.Equal(t, all[0].Days, all[1].Days)
	_, err = s.EndJob(t.Context(), calls.ID)
	require.NoError(t, err)
	for kept, want := range map[time.Duration][]string{week: {calls.ID}, 0: nil} {
		list, err := s.Jobs(t.Context(), account, schema.Calls, kept, store.JobCursor{}, 10)
		require.NoError(t, err)
		require.Equal(t, want, jobIDs(list))
	}
}

func TestPagesOfJobsHoldEachOnceWhateverIsAddedMeanwhile(t *testing.T) {
	s := openBulk(t)
	rapid.Check(t, func(rt *rapid.T) {
		account := schema.NewAccountID()
		add := func(most int, what string) (ids []string) {
			for range rapid.IntRange(0, most).Draw(rt, what) {
				o := aJob(account)
				require.NoError(rt, s.OpenJob(t.Context(), o))
				ids = append(ids, o.ID)
			}
			return ids
		}
		there := add(8, "there")
		if rapid.Bool().Draw(rt, "ties") {
			_, err := s.SQL().Exec(`update satchel.jobs set created_at = date_trunc('hour', created_at) where account_sid = $1`, account)
			require.NoError(rt, err)
			slices.Sort(there)
		}
		slices.Reverse(there)
		limit := rapid.IntRange(1, 4).Draw(rt, "page size")
		var got []string
		var before store.JobCursor
		for {
			page, err := s.Jobs(t.Context(), account, schema.Calls, week, before, limit)
			require.NoError(rt, err)
			got = append(got, jobIDs(page)...)
			if len(page) < limit {
				break
			}
			last := page[len(page)-1]
			before = store.JobCursor{CreatedAt: last.CreatedAt, ID: last.ID}
			add(2, "added meanwhile")
		}
		require.Equal(rt, there, got)
	})
}
