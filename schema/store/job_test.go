package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

const week = 7 * 24 * time.Hour

func aJob(account string) schema.NewJob {
	return schema.NewJob{
		JobRequest: schema.JobRequest{Name: "March audit", Hook: schema.Hook{URL: "https://hooks.example.com/bulk", Method: "POST"}, Email: "ada@example.com"},
		ID:         schema.NewJobID(), Account: account, QuotaAccount: account, Type: schema.Calls,
		Start: "2026-02-27", End: "2026-03-01", RequestedBy: schema.NewUserID(), QuotaDays: 366,
	}
}

func opened(t *testing.T, s *store.BulkExports, account string) schema.NewJob {
	o := aJob(account)
	require.NoError(t, s.OpenJob(t.Context(), o))
	return o
}

func statuses(j schema.Job) (list []schema.DayStatus) {
	for _, d := range j.Days {
		list = append(list, d.Status)
	}
	return list
}

func statusesOf(t *testing.T, s *store.BulkExports, job string) []schema.DayStatus {
	j, err := s.Job(t.Context(), job)
	require.NoError(t, err)
	return statuses(j)
}

func begin(t *testing.T, s *store.BulkExports, job string, day schema.Day) {
	begun, err := s.BeginDay(t.Context(), job, day)
	require.NoError(t, err)
	require.True(t, begun)
}

func TestAJobIsReadAsItWasOpened(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	j, err := s.Job(t.Context(), o.ID)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), j.CreatedAt, time.Minute)
	j.CreatedAt = time.Time{}
	require.Equal(t, schema.Job{ID: o.ID, Account: o.Account, Type: o.Type, Name: o.Name, Start: o.Start, End: o.End, Hook: o.Hook,
		Email: o.Email, RequestedBy: o.RequestedBy, Days: []schema.JobDay{
			{Day: "2026-02-27", Status: schema.DaySubmitted}, {Day: "2026-02-28", Status: schema.DaySubmitted}, {Day: "2026-03-01", Status: schema.DaySubmitted}}}, j)
}

func TestOpeningAJobTwiceCostsOnce(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	var again sync.WaitGroup
	for range 4 {
		again.Go(func() { require.NoError(t, s.OpenJob(context.Background(), o)) })
	}
	again.Wait()
	used, err := s.QuotaUsed(t.Context(), o.QuotaAccount)
	require.NoError(t, err)
	require.Equal(t, 3, used)
	require.Equal(t, []store.AuditEvent{{Account: o.Account, Subject: o.ID, Actor: o.RequestedBy, Action: store.ActionRequested}}, audited(t, s.DB, o.ID))
}

func TestAJobThatIsOpenedAfterItsDeadlineNeverExistsAndCostsNothing(t *testing.T) {
	s := openBulk(t)
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	o, late := aJob(schema.NewAccountID()), aJob(schema.NewAccountID())
	o.Deadline, late.Deadline = now.Add(time.Hour), now
	require.NoError(t, s.OpenJob(t.Context(), o))
	o.Deadline = now
	require.NoError(t, s.OpenJob(t.Context(), o), "an existing job stays")
	rejection, ok := errors.AsType[*schema.Error](s.OpenJob(t.Context(), late))
	require.True(t, ok)
	require.Equal(t, []string{string(schema.Unavailable), schema.CodeTooLate}, []string{string(rejection.Kind), rejection.Code})
	for o, want := range map[*schema.NewJob]bool{&o: true, &late: false} {
		has, err := s.HasJob(t.Context(), o.Account, o.ID)
		require.NoError(t, err)
		require.Equal(t, want, has)
	}
	used, err := s.QuotaUsed(t.Context(), late.QuotaAccount)
	require.NoError(t, err)
	require.Zero(t, used)
	has, err := s.HasJob(t.Context(), late.Account, o.ID)
	require.NoError(t, err)
	require.False(t, has, "it is another account's")
}

// The statement locks and inserts as OpenJob does.
func TestHasJobWaitsForAJobThatIsBeingOpened(t *testing.T) {
	s, o := openBulk(t), aJob(schema.NewAccountID())
	commitDuring(t, s.DB, `with mine as (select pg_advisory_xact_lock(hashtextextended('bulk jobs', 0)))
		insert into satchel.jobs (id, account_sid, resource_type, friendly_name, start_day, end_day, requested_by)
		select $1, $2, 'Calls', '', '2026-03-01', '2026-03-01', '' from mine`, []any{o.ID, o.Account}, func() error {
		has, err := s.HasJob(context.Background(), o.Account, o.ID)
		if err == nil && !has {
			err = errors.New("HasJob did not wait for it")
		}
		return err
	})
}

func TestConcurrentJobsNeverExceedTheQuotaOfAnAccountAndItsSubaccounts(t *testing.T) {
	s := openBulk(t)
	parent, child := schema.NewAccountID(), schema.NewAccountID()
	var got, rejected atomic.Int64
	var opening sync.WaitGroup
	for i := range 50 {
		opening.Go(func() {
			o := aJob(parent)
			if i%2 == 1 {
				o.Account = child
			}
			o.QuotaDays = 100 // 33 jobs of three days
			err := s.OpenJob(context.Background(), o)
			if err == nil {
				got.Add(1)
				return
			}
			rejection, ok := errors.AsType[*schema.Error](err)
			if ok && rejection.Kind == schema.Limited && rejection.Code == schema.CodeQuota && rejection.RetryAfter > 0 && rejection.RetryAfter <= 24*time.Hour {
				rejected.Add(1)
			}
		})
	}
	opening.Wait()
	require.EqualValues(t, 33, got.Load())
	require.EqualValues(t, 17, rejected.Load())
	used, err := s.QuotaUsed(t.Context(), parent)
	require.NoError(t, err)
	require.Equal(t, 99, used)
	used, err = s.QuotaUsed(t.Context(), child)
	require.NoError(t, err)
	require.Zero(t, used)
	stats, err := s.BulkStats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 33, stats.Jobs, "a rejected job leaves nothing")
}

func TestAJobBeyondTheQuotaIsRejectedAndTheErrorSaysWhatRemains(t *testing.T) {
	s := openBulk(t)
	o := aJob(schema.NewAccountID())
	o.QuotaDays = 2
	err := s.OpenJob(t.Context(), o)
	require.Equal(t, schema.Limited, schema.KindOf(err))
	require.ErrorContains(t, err, "requests 3 days, but only 2 of the 2 days")
	_, err = s.Job(t.Context(), o.ID)
	require.Equal(t, schema.NotFound, schema.KindOf(err))
	o.QuotaDays = 3
	require.NoError(t, s.OpenJob(t.Context(), o), "a rejected job costs nothing")
}

func TestADayMovesOnlyForward(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	const day = "2026-02-27"
	require.NoError(t, s.MarkDayRetrying(t.Context(), o.ID, day))
	require.Equal(t, schema.DaySubmitted, statusesOf(t, s, o.ID)[0], "it does not run")
	begin(t, s, o.ID, day)
	begin(t, s, o.ID, day)
	require.NoError(t, s.MarkDayRetrying(t.Context(), o.ID, day))
	require.Equal(t, schema.DayErrorDuringRun, statusesOf(t, s, o.ID)[0])
	begin(t, s, o.ID, day)
	require.NoError(t, s.MarkDayFailed(t.Context(), o.ID, day))
	require.NoError(t, s.MarkDayRetrying(t.Context(), o.ID, day))
	begun, err := s.BeginDay(t.Context(), o.ID, day)
	require.NoError(t, err)
	require.False(t, begun)
	require.Equal(t, []schema.DayStatus{schema.DayFailed, schema.DaySubmitted, schema.DaySubmitted}, statusesOf(t, s, o.ID))
}

func TestAJobToBeDeletedCompletesNoMoreDays(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	begin(t, s, o.ID, "2026-02-27")
	begin(t, s, o.ID, "2026-02-28")
	require.NoError(t, s.MarkDayRetrying(t.Context(), o.ID, "2026-02-28"))
	for range 2 {
		require.NoError(t, s.StopJob(t.Context(), o.ID, o.RequestedBy))
	}
	require.Equal(t, []schema.DayStatus{schema.DayRunningToBeDeleted, schema.DayDeleted, schema.DayDeleted}, statusesOf(t, s, o.ID))
	begun, err := s.BeginDay(t.Context(), o.ID, "2026-02-27")
	require.NoError(t, err)
	require.False(t, begun)
	f := aFile(o.Account)
	f.Job, f.Day = o.ID, "2026-02-27"
	obsolete, err := s.PublishDayFile(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, f.ID, obsolete)
	require.NoError(t, s.MarkDayFailed(t.Context(), o.ID, "2026-02-27"))
	require.Equal(t, schema.DayDeleted, statusesOf(t, s, o.ID)[0])

	first, err := s.EndJob(t.Context(), o.ID)
	require.NoError(t, err)
	require.NotNil(t, first.EndedAt)
	require.NotNil(t, first.DeletingAt)
	second, err := s.EndJob(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, schema.Conflict, schema.KindOf(s.StopJob(t.Context(), o.ID, "")))
	require.Equal(t, []store.Action{store.ActionRequested, store.ActionRemoved}, actions(t, s.DB, o.ID))
}

func TestAnEndedJobCanNotBeStopped(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	for _, day := range o.Start.To(o.End) {
		require.NoError(t, s.MarkDayFailed(t.Context(), o.ID, day))
	}
	require.Equal(t, schema.Conflict, schema.KindOf(s.StopJob(t.Context(), o.ID, "")), "all its days have ended")
	j, err := s.EndJob(t.Context(), o.ID)
	require.NoError(t, err)
	require.Nil(t, j.DeletingAt)
	require.Equal(t, schema.Conflict, schema.KindOf(s.StopJob(t.Context(), o.ID, "")))
	require.Equal(t, schema.NotFound, schema.KindOf(s.StopJob(t.Context(), schema.NewJobID(), "")))
	_, err = s.EndJob(t.Context(), schema.NewJobID())
	require.Equal(t, schema.NotFound, schema.KindOf(err))
}

func TestDaysThatHaveNotEndedFailWithTheirJob(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	begin(t, s, o.ID, "2026-02-28")
	j, err := s.EndJob(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, []schema.DayStatus{schema.DayFailed, schema.DayFailed, schema.DayFailed}, statuses(j))
}

func TestADayIsEitherBegunOrStopped(t *testing.T) {
	s := openBulk(t)
	for range 20 {
		o := opened(t, s, schema.NewAccountID())
		var begun bool
		var racing sync.WaitGroup
		racing.Go(func() { begun, _ = s.BeginDay(context.Background(), o.ID, o.Start) })
		racing.Go(func() { require.NoError(t, s.StopJob(context.Background(), o.ID, "")) })
		racing.Wait()
		want := schema.DayDeleted
		if begun {
			want = schema.DayRunningToBeDeleted
		}
		require.Equal(t, want, statusesOf(t, s, o.ID)[0])
	}
}

func TestJobsOfOtherAccountsAndJobsNotKeptAreNotFound(t *testing.T) {
	s := openBulk(t)
	o := opened(t, s, schema.NewAccountID())
	_, err := s.AccountJob(t.Context(), o.Account, o.ID, 0)
	require.NoError(t, err, "it has not ended")
	_, foreign := s.AccountJob(t.Context(), schema.NewAccountID(), o.ID, week)
	_, unknown := s.AccountJob(t.Context(), o.Account, schema.NewJobID(), week)
	require.Equal(t, schema.NotFound, schema.KindOf(foreign))
	require.Equal(t, unknown, foreign)
	_, err = s.EndJob(t.Context(), o.ID)
	require.NoError(t, err)
	_, err = s.AccountJob(t.Context(), o.Account, o.ID, week)
	require.NoError(t, err)
	_, ended := s.AccountJob(t.Context(), o.Account, o.ID, 0)
	require.Equal(t, unknown, ended)
}
