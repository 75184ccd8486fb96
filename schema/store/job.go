package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

var jobColumns = `id, account_sid, resource_type, friendly_name,
	to_char(start_day, 'YYYY-MM-DD') as start_day, to_char(end_day, 'YYYY-MM-DD') as end_day,
	webhook_url, webhook_method, email, requested_by, created_at, deleting_at, ended_at,
	` + undelivered("id") + ` as undelivered`

// undelivered is the predicate of a job whose e-mail at its end was rejected for good.
func undelivered(job string) string {
	return `coalesce((select not sent from satchel.emails where subject = ` + job + ` and email_key = ` + sqlText(schema.JobEndedEmail) + `), false)` // exists would read all e-mails for a long list
}

// jobOpeningLock is held while a job is opened, from before its row is written
// until other transactions can see it.
const jobOpeningLock = `hashtextextended('bulk jobs', 0)`

// OpenJob writes the job with all its days as Submitted, and takes them from
// the quota of this UTC day, all or nothing. A job that exists stays as it is
// and costs nothing. The error is Limited if the quota is too small, and has
// schema.CodeTooLate after the deadline: then the job will never exist.
func (b *BulkExports) OpenJob(ctx context.Context, o schema.NewJob) error {
	return b.inTx(ctx, "open job", func(tx *sqlx.Tx) error {
		// One at a time: jobs become visible in the order of created_at, so a new one never comes before
		// one that was read earlier, neither in the queue nor in a list.
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(`+jobOpeningLock+`)`); err != nil {
			return err
		}
		added, err := tx.ExecContext(ctx, `insert into satchel.jobs (id, account_sid, resource_type, friendly_name, start_day, end_day,
				webhook_url, webhook_method, email, requested_by, created_at)
			select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, greatest(clock_timestamp(), -- the clock can be set back
				(select max(created_at) + interval '1 microsecond' from satchel.jobs where ended_at is null))
			on conflict (id) do nothing`,
			o.ID, o.Account, o.Type, o.Name, o.Start, o.End, o.Hook.URL, o.Hook.Method, o.Email, o.RequestedBy)
		if err != nil {
			return err
		}
		if n, err := added.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := takeQuota(ctx, tx, o.QuotaAccount, o.Start.DaysTo(o.End), o.QuotaDays); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.job_days (job_id, day, status)
			select $1, $2::date + n, $4 from generate_series(0, $3::date - $2::date) n`, o.ID, o.Start, o.End, schema.DaySubmitted); err != nil {
			return err
		}
		if err := audit(ctx, tx, AuditEvent{Account: o.Account, Subject: o.ID, Actor: actor(o.RequestedBy), Action: ActionRequested}); err != nil {
			return err
		}
		return checkDeadline(ctx, tx, o.Deadline) // last, so that it rolls back whatever took too long
	})
}

// checkDeadline returns an error with schema.CodeTooLate after the deadline.
func checkDeadline(ctx context.Context, tx *sqlx.Tx, deadline time.Time) error {
	if deadline.IsZero() {
		return nil
	}
	var late bool
	if err := tx.GetContext(ctx, &late, `select clock_timestamp() >= $1`, deadline); err != nil || !late {
		return err
	}
	e := schema.Errorf(schema.Unavailable, schema.CodeTooLate, "This cannot be done right now. Please try again in a moment.")
	e.RetryAfter = 5 * time.Second
	return e
}

// HasJob reports whether the account has a job. It waits for jobs that are being
// opened, so that after the deadline of OpenJob the result is final.
func (b *BulkExports) HasJob(ctx context.Context, account, id string) (has bool, err error) {
	err = b.inTx(ctx, "find job", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock_shared(`+jobOpeningLock+`)`); err != nil {
			return err
		}
		return tx.GetContext(ctx, &has, `select exists (select from satchel.jobs where id = $1 and account_sid = $2)`, id, account)
	})
	return has, err
}

// Job reads one job with its days.
func (b *BulkExports) Job(ctx context.Context, id string) (schema.Job, error) {
	j, err := readJob(ctx, b.pool, id)
	return j, sqlstate.Wrap("read job", err)
}

// AccountJob reads a job of this account that has not ended, or ended no longer
// ago than kept. Any other is NotFound.
func (b *BulkExports) AccountJob(ctx context.Context, account, id string, kept time.Duration) (schema.Job, error) {
	j, err := readOneJob(ctx, b.pool, `id = $1 and account_sid = $2
		and (ended_at is null or ended_at > statement_timestamp() - $3 * interval '1 microsecond')`, id, account, kept.Microseconds())
	return j, sqlstate.Wrap("read job", err)
}

// StopJob requests the deletion of a job: its running days become
// RunningToBeDeleted and the others Deleted. The error is Conflict if its days
// had all ended before the first call; a second call changes nothing.
func (b *BulkExports) StopJob(ctx context.Context, id, by string) error {
	return b.inTx(ctx, "stop job", func(tx *sqlx.Tx) error {
		var row struct {
			Account         string `db:"account_sid"`
			Deleting, Ended bool
		}
		err := tx.GetContext(ctx, &row, `select account_sid, deleting_at is not null as deleting,
				ended_at is not null or deleting_at is null and not exists (
					select from satchel.job_days where job_id = id and ended_at is null) as ended
			from satchel.jobs where id = $1 for update`, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return jobNotFound()
		case err != nil:
			return err
		case row.Ended:
			return schema.Errorf(schema.Conflict, schema.CodeJobEnded, "The job has already ended.")
		case row.Deleting:
			return nil
		}
		if _, err := tx.ExecContext(ctx, `update satchel.jobs set deleting_at = clock_timestamp() where id = $1`, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update satchel.job_days
			set status = case when status = $2 then $3 else $4 end,
				ended_at = case when status <> $2 then clock_timestamp() end
			where job_id = $1 and ended_at is null`,
			id, schema.DayRunning, schema.DayRunningToBeDeleted, schema.DayDeleted); err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{Account: row.Account, Subject: id, Actor: actor(by), Action: ActionRemoved})
	})
}

// EndJob ends a job: days that have not ended become Deleted if its deletion was
// requested, else Failed. Run again it changes nothing and returns the same.
func (b *BulkExports) EndJob(ctx context.Context, id string) (schema.Job, error) {
	var ended schema.Job
	err := b.inTx(ctx, "end job", func(tx *sqlx.Tx) error {
		// The row is locked first: it waits for a StopJob under way.
		if _, err := tx.ExecContext(ctx, `select from satchel.jobs where id = $1 for update`, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update satchel.job_days
			set status = case when deleting_at is null then $2 else $3 end, ended_at = clock_timestamp()
			from satchel.jobs where id = $1 and job_id = id and job_days.ended_at is null`,
			id, schema.DayFailed, schema.DayDeleted); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update satchel.jobs
			set ended_at = (select max(ended_at) from satchel.job_days where job_id = id)
			where id = $1 and ended_at is null`, id); err != nil {
			return err
		}
		var err error
		ended, err = readJob(ctx, tx, id)
		return err
	})
	return ended, err
}

func readJob(ctx context.Context, db sqlx.QueryerContext, id string) (schema.Job, error) {
	return readOneJob(ctx, db, `id = $1`, id)
}

func readOneJob(ctx context.Context, db sqlx.QueryerContext, which string, args ...any) (schema.Job, error) {
	list, err := readJobs(ctx, db, which, args...)
	if err == nil && len(list) == 0 {
		err = jobNotFound()
	}
	if err != nil {
		return schema.Job{}, err
	}
	return list[0], nil
}

// readJobs reads jobs with their days, in two queries.
func readJobs(ctx context.Context, db sqlx.QueryerContext, which string, args ...any) ([]schema.Job, error) {
	list := []schema.Job{}
	if err := sqlx.SelectContext(ctx, db, &list, `select `+jobColumns+` from satchel.jobs where `+which, args...); err != nil || len(list) == 0 {
		return list, err
	}
	ids, index := make([]string, len(list)), make(map[string]int, len(list))
	for i, j := range list {
		ids[i], index[j.ID] = j.ID, i
	}
	var days []struct {
		Job string `db:"job_id"`
		schema.JobDay
	}
	err := sqlx.SelectContext(ctx, db, &days, `select job_id, to_char(day, 'YYYY-MM-DD') as day, status, records
		from satchel.job_days where job_id = any($1) order by job_id, job_days.day`, pq.Array(ids))
	for _, d := range days {
		j := &list[index[d.Job]]
		j.Days = append(j.Days, d.JobDay)
	}
	return list, err
}

func jobNotFound() error {
	return schema.Errorf(schema.NotFound, schema.CodeJobNotFound, "There is no such job.")
}
