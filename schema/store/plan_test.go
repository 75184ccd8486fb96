package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
)

// Each query has to cost what it returns, and not what is in the tables. maxRead is
// how many rows a query may read of any table, in the database that fill fills.
const maxRead = 2500

// counts are the queries that count what is current, in the background.
var counts = map[string]bool{"stats of exports": true}

func TestNoQueryReadsTheHistoryOfOthers(t *testing.T) {
	t.Parallel()
	db, plans := openExplained(t)
	fill(t, db)
	plans.of(t) // of filling
	a, b, s := db.AccountExports(), db.BulkExports(), db.Sessions()
	ctx, day := t.Context(), 24*time.Hour
	account := fmt.Sprintf("AC%032x", 7)
	id := func(prefix string, n int) string { return fmt.Sprintf(prefix+"%032x", n) }
	first := func(err error, _ ...any) error { return err }
	for name, query := range map[string]func() error{
		"stats of exports":      func() error { _, err := a.ExportStats(ctx); return err },
		"exports":               func() error { _, err := a.Exports(ctx, account, 100); return err },
		"older exports":         func() error { _, err := a.ExportsBefore(ctx, account, id("EX", 7), 100); return err },
		"export":                func() error { _, err := a.Export(ctx, id("EX", 7)); return err },
		"followed exports":      func() error { _, err := a.FollowedExports(ctx, []string{id("EX", 7), id("EX", 30005)}); return err },
		"cooldown":              func() error { _, _, err := a.ActiveCooldown(ctx, manyExports); return err },
		"download":              func() error { _, err := a.Download(ctx, account, id("EX", 7)); return refusedIsFine(err) },
		"overdue exports":       func() error { _, err := a.Overdue(ctx, time.Minute, "", 100); return err },
		"later overdue exports": func() error { _, err := a.Overdue(ctx, time.Minute, id("EX", 25000), 100); return err },
		"active exports":        func() error { _, err := a.ActiveIDs(ctx, []string{id("EX", 7), id("EX", 8)}); return err },
		"open export": func() error {
			return a.OpenExport(ctx, schema.NewExport{Export: schema.NewExportID(), Account: "ACnew", RequestedAt: time.Now(), ConfirmBy: time.Now().Add(day)})
		},
		"audit trails": func() error { _, err := db.AuditTrails(ctx, account, []string{id("EX", 7)}); return err },
		"audit": func() error {
			_, err := db.AuditWithinLimit(ctx, store.AuditEvent{Account: account, Subject: id("EX", 7), Actor: "US1", Action: store.ActionConfirmed}, 3, time.Hour)
			return err
		},
		"audit of an account, by hand": func() error {
			return first(db.SQL().QueryRow(`select count(*) from (select from satchel.audit where account_sid = $1 order by at desc limit 100) a`, account).Scan(new(int)))
		},
		"audit of a user, by hand": func() error {
			return first(db.SQL().QueryRow(`select count(*) from (select from satchel.audit where actor = $1 order by at desc limit 100) a`, id("US", 7)).Scan(new(int)))
		},
		"email outcomes":   func() error { _, err := db.EmailOutcomes(ctx, id("EX", 7)); return err },
		"read session":     func() error { _, _, err := s.FindCtx(ctx, "token7"); return err },
		"write session":    func() error { return s.CommitCtx(ctx, "token7", []byte("data"), time.Now().Add(day)) },
		"jobs":             func() error { _, err := b.Jobs(ctx, account, "", 7*day, store.JobCursor{}, 50); return err },
		"jobs of a type":   func() error { _, err := b.Jobs(ctx, account, schema.Calls, 7*day, store.JobCursor{}, 50); return err },
		"job":              func() error { _, err := b.AccountJob(ctx, account, id("JS", 7), 7*day); return refusedIsFine(err) },
		"queue":            func() error { _, err := b.Queue(ctx, id("JS", 33000)); return err },
		"overdue jobs":     func() error { _, err := b.OverdueJobs(ctx, time.Minute, "", 100); return err },
		"unmailed jobs":    func() error { _, err := b.JobsWithoutEmail(ctx, "job-ended", time.Minute, day, "", 100); return err },
		"pending events":   func() error { _, err := b.PendingEvents(ctx, time.Minute, "", 100); return err },
		"events":           func() error { _, err := b.Events(ctx, account, 50); return err },
		"day files":        func() error { _, err := b.DayFiles(ctx, account, schema.Calls, 0, 50); return err },
		"latest day files": func() error { _, err := b.LatestDayFiles(ctx, account, 50); return err },
		"day files of a type": func() error {
			_, err := b.FilteredDayFiles(ctx, account, store.DayFileFilter{Type: schema.Calls}, 1000, 50)
			return err
		},
		"day files without empty ones": func() error {
			_, err := b.FilteredDayFiles(ctx, account, store.DayFileFilter{}, 1000, 50)
			return err
		},
		"number of day files": func() error { _, err := b.CountDayFiles(ctx, account, ""); return err },
		"current day files": func() error {
			_, err := b.CurrentDayFiles(ctx, account, schema.Calls, "2026-01-01", "2026-12-31")
			return err
		},
		"day file": func() error {
			_, err := b.DayFile(ctx, account, schema.Calls, "2026-01-01")
			return refusedIsFine(err)
		},
		"outdated day file": func() error {
			_, err := b.IsDayFileOutdated(ctx, account, "2026-01-01")
			return err
		},
		"outdated day files":     func() error { _, err := b.OutdatedDayFiles(ctx, "", 100); return err },
		"unchecked day files":    func() error { _, err := b.UncheckedDayFiles(ctx, day, 100); return err },
		"stored exports":         func() error { _, err := a.StoredExports(ctx, "", 100); return err },
		"later stored exports":   func() error { _, err := a.StoredExports(ctx, id("EX", 38000), 100); return err },
		"stored day files":       func() error { _, err := b.StoredDayFiles(ctx, "", 100); return err },
		"keys of ended exports":  func() error { _, err := a.DestroyExpiredKeys(ctx); return err },
		"states of exports":      func() error { _, err := a.ExportStates(ctx, []string{id("EX", 7), id("EX", 8)}, day); return err },
		"due erasures":           func() error { _, err := b.DueErasures(ctx, 10, 100); return err },
		"expired day files":      func() error { _, err := b.ExpiredDayFiles(ctx, 100); return err },
		"keys of expired files":  func() error { return b.DestroyExpiredDayKeys(ctx) },
		"existing day files":     func() error { _, err := b.ExistingDayFiles(ctx, []string{id("DF", 7)}); return err },
		"enabled configurations": func() error { _, err := b.EnabledConfigurations(ctx, schema.BulkConfiguration{}, 100); return err },
		"later enabled configurations": func() error {
			_, err := b.EnabledConfigurations(ctx, schema.BulkConfiguration{Account: id("AC", 2500), Type: schema.Calls}, 100)
			return err
		},
		"configurations": func() error { _, err := b.Configurations(ctx, account); return err },
		"summaries":      func() error { _, err := b.AccountSummaries(ctx, []string{account}); return err },
		"quota":          func() error { _, err := b.QuotaUsed(ctx, account); return err },
		"purge":          func() error { return b.PurgeBulk(ctx, 7*day) },
		"purge of history": func() error {
			return db.PurgeHistory(ctx, schema.HistoryRetention{History: 905 * day, Audit: 905 * day})
		},
		"erased calls":                func() error { _, err := b.ErasedCalls(ctx, account, "2026-01-01"); return err },
		"erased call":                 func() error { _, _, err := b.ErasedCall(ctx, account, "CA7"); return err },
		"request wait":                func() error { _, err := a.RequestWait(ctx, manyExports, 10, time.Hour); return err },
		"download allowed":            func() error { return refusedIsFine(a.DownloadAllowed(ctx, account, id("EX", 7))) },
		"day download allowed":        func() error { return refusedIsFine(b.DayDownloadAllowed(ctx, id("DF", 7), time.Now())) },
		"often notified":              func() error { _, err := a.OftenNotified(ctx, id("EX", 30005), 2, time.Hour); return err },
		"often notified of many":      func() error { _, err := a.OftenNotified(ctx, id("EX", 40001), 2, time.Hour); return err },
		"often notified of jobs":      func() error { _, err := b.OftenNotified(ctx, id("JS", 31001), 10, time.Hour); return err },
		"count of pending events":     func() error { _, err := b.CountPendingEvents(ctx, account, 100); return err },
		"pending events among many":   func() error { _, err := b.CountPendingEvents(ctx, manyExports, 100); return err },
		"events of many":              func() error { _, err := b.Events(ctx, manyExports, 50); return err },
		"queues":                      func() error { _, err := b.Queues(ctx, []string{id("JS", 33000), id("JS", 32000)}); return err },
		"own export":                  func() error { _, err := a.AccountExport(ctx, account, id("EX", 7)); return refusedIsFine(err) },
		"own day file":                func() error { _, err := b.AccountDayFile(ctx, account, id("DF", 7)); return refusedIsFine(err) },
		"older day files":             func() error { _, err := b.LatestDayFilesBefore(ctx, account, 1000, 50); return err },
		"sections":                    func() error { _, err := a.Sections(ctx, id("EX", 7)); return refusedIsFine(err) },
		"checkpoint":                  func() error { _, err := a.Checkpoint(ctx, id("EX", 7), "calls"); return err },
		"has job":                     func() error { _, err := b.HasJob(ctx, account, id("JS", 7)); return err },
		"configuration":               func() error { _, err := b.Configuration(ctx, account, schema.Calls); return err },
		"position in the erasure log": func() error { _, err := b.ErasureLogPosition(ctx); return err },
		"audit of a download": func() error {
			return db.AuditDownload(ctx, store.AuditEvent{Account: account, Subject: id("EX", 7), Actor: "US1", Action: store.ActionDownloaded}, true)
		},
		"unsubscribed": func() error { _, err := b.Unsubscribed(ctx, []string{id("US", 7)}); return err },
	} {
		plans.of(t)
		require.NoError(t, query(), name)
		explained := plans.of(t)
		require.NotEmpty(t, explained, name)
		for _, p := range explained {
			for table, read := range p.read() {
				if read.sequential > maxRead || read.rows > maxRead && !counts[name] {
					t.Errorf("%s reads %.0f rows of %s (%.0f of them sequentially):\n%s", name, read.rows, table, read.sequential, p.text)
				}
			}
		}
	}
}

// clock_timestamp() is volatile: Postgres compares it with each row, as no index can
// serve it. statement_timestamp() is the same clock, read once.
func TestNoQueryComparesRowsWithAVolatileClock(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	compared := regexp.MustCompile(`(?:[<>=]|between)\s*\(?\s*clock_timestamp\(\)`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range compared.FindAllIndex(source, -1) {
			line := source[strings.LastIndexByte(string(source[:match[0]]), '\n')+1 : match[1]]
			if assigned.Match(line) {
				continue
			}
			t.Errorf("%s compares with clock_timestamp(): use statement_timestamp()\n%s", file, line)
		}
	}
}

// assigned matches a value that is written: it is read after the row was locked.
var assigned = regexp.MustCompile(`(?:set|,|^)\s*\w+_at = clock_timestamp\(\)$`)

// manyExports is an account with thousands of exports and of webhook events.
const manyExports = "ACmany"

func refusedIsFine(err error) error {
	if k := schema.KindOf(err); k == schema.NotFound || k == schema.Gone || k == schema.Conflict {
		return nil
	}
	return err
}

// fill writes a history of years: tens of thousands of rows of what grows, of which few
// are current.
func fill(t *testing.T, db *store.DB) {
	t.Helper()
	const old, ids = `now() - interval '1 day' * (10 + n % 900)`, `'AC' || lpad(to_hex(n % 3000), 32, '0')`
	for _, statement := range []string{
		`insert into satchel.exports (id, account_sid, requested_by, status, reason, requested_at, confirm_by, confirmed_at, completed_at, expires_at, available_again_at, ended_at, size)
			select 'EX' || lpad(to_hex(n), 32, '0'), ` + ids + `, '', 'expired', 'window_passed', ` + old + `, ` + old + `, ` + old + `, ` + old + `, ` + old + `, ` + old + `, ` + old + `, 1
			from generate_series(1, 30000) n`,
		`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by)
			select 'EX' || lpad(to_hex(n), 32, '0'), 'ACpending' || n, '', 'pending', now() - interval '1 hour', now() + interval '23 hours'
			from generate_series(30001, 36000) n`,
		`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by, completed_at, expires_at, available_again_at)
			select 'EX' || lpad(to_hex(n), 32, '0'), 'ACcompleted' || n, '', 'completed', now() - interval '1 hour', now() + interval '23 hours', now(), now() + interval '1 day', now() + interval '1 day'
			from generate_series(36001, 39000) n`,
		`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by, available_again_at, ended_at)
			select 'EX' || lpad(to_hex(n), 32, '0'), '` + manyExports + `', '', 'expired', now() - interval '1 day' * n, now(), now() - interval '1 day' * (n % 900), now() - interval '2 days'
			from generate_series(40001, 42999) n`,
		`insert into satchel.categories (export_id, category, status) select id, c, 'done' from satchel.exports, unnest(array['calls', 'users']) c`,
		`insert into satchel.removals (export_id, reason, actor, begun_at, certified_at) select id, reason, '', ended_at, ended_at from satchel.exports where ended_at is not null`,
		`insert into satchel.emails (subject, email_key, sent) select id, 'ready', true from satchel.exports`,
		`insert into satchel.audit (at, account_sid, subject, actor, action)
			select ` + old + `, ` + ids + `, 'EX' || lpad(to_hex(n % 30000), 32, '0'), 'US' || lpad(to_hex(n % 3000), 32, '0'), 'downloaded' from generate_series(1, 60000) n`,
		`insert into satchel.sessions (token, data, expiry) select 'token' || n, 'data', now() + interval '1 hour' * n from generate_series(1, 20000) n`,
		`insert into satchel.jobs (id, account_sid, resource_type, friendly_name, start_day, end_day, email, requested_by, created_at, ended_at)
			select 'JS' || lpad(to_hex(n), 32, '0'), ` + ids + `, 'Calls', '', '2026-01-01', '2026-01-01', 'a@example.com', '', now() - interval '1 minute' * n, now() - interval '1 minute' * n
			from generate_series(1, 20000) n`,
		`insert into satchel.job_days (job_id, day, status, started_at, ended_at) select id, start_day, 'Completed', ended_at, ended_at from satchel.jobs`,
		`insert into satchel.jobs (id, account_sid, resource_type, friendly_name, start_day, end_day, requested_by, created_at)
			select 'JS' || lpad(to_hex(n), 32, '0'), ` + ids + `, 'Calls', '', '2026-01-01', '2026-01-30', '', now() from generate_series(31001, 33000) n`,
		`insert into satchel.job_days (job_id, day, status) select id, day, 'Submitted' from satchel.jobs, generate_series(start_day, end_day, '1 day') day where ended_at is null`,
		`insert into satchel.emails (subject, email_key, sent) select id, 'job-ended', true from satchel.jobs`,
		`insert into satchel.events (id, account_sid, resource_type, webhook_url, webhook_method, days_completed, days_empty, days_failed, at, status)
			select gen_random_uuid(), ` + ids + `, 'Calls', 'https://example.com', 'POST', 1, 0, 0, now() - interval '10 seconds' * n, 'delivered' from generate_series(1, 20000) n`,
		`insert into satchel.events (id, account_sid, resource_type, webhook_url, webhook_method, days_completed, days_empty, days_failed, at, status)
			select gen_random_uuid(), '` + manyExports + `', 'Calls', 'https://example.com', 'POST', 1, 0, 0, now() - interval '10 seconds' * n, 'delivered' from generate_series(1, 5000) n`,
		`insert into satchel.event_attempts (event_id, http_status, outcome, took_ms) select id, 200, 'delivered', 1 from satchel.events`,
		`insert into satchel.day_files (account_sid, resource_type, day, id, wrapped, records, size, sha256, created_at, expires_at)
			select ` + ids + `, 'Calls', '2026-01-01'::date + n / 3000, 'DF' || lpad(to_hex(n), 32, '0'), '\x01', 1, 1, '', now() - interval '1 day', now() + interval '1 minute' * n
			from generate_series(1, 30000) n`,
		`insert into satchel.erased_calls (account_sid, call_sid, day, at, erase_again_at)
			select ` + ids + `, 'CA' || n, '2020-01-01'::date + n % 1000, ` + old + `, case when n % 100 = 0 then now() + interval '1 hour' end from generate_series(1, 30000) n`,
		`insert into satchel.erasure_queue (account_sid, due_at) select account_sid, min(erase_again_at) from satchel.erased_calls where erase_again_at is not null group by 1`,
		`insert into satchel.bulk_configurations (account_sid, resource_type, enabled)
			select 'AC' || lpad(to_hex(n), 32, '0'), 'Calls', n % 10 = 0 from generate_series(1, 10000) n`,
		`insert into satchel.bulk_quota (account_sid, day, days) select ` + ids + `, current_date + 1 + n / 3000, 1 from generate_series(1, 9000) n`,
		`insert into satchel.unsubscribed (user_id) select 'US' || lpad(to_hex(n), 32, '0') from generate_series(1, 5000) n`,
	} {
		exec(t, db, statement)
	}
	exec(t, db, `vacuum analyze`)
}

// plans are the plans of the statements that a connection has executed.
type plans struct{ notices []string }

// plan is how Postgres executed a statement, as auto_explain writes it.
type plan struct {
	text string
	Plan node `json:"Plan"`
}

type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Recheck  float64 `json:"Rows Removed by Index Recheck"`
	Plans    []node  `json:"Plans"`
}

type read struct{ rows, sequential float64 }

// read sums up the rows that were read, by table.
func (p plan) read() map[string]read {
	tables := map[string]read{}
	var add func(n node)
	add = func(n node) {
		rows := (n.Rows + n.Filtered + n.Recheck) * n.Loops
		if n.Relation != "" && n.Type != "ModifyTable" {
			r := tables[n.Relation]
			r.rows += rows
			if n.Type == "Seq Scan" {
				r.sequential += rows
			}
			tables[n.Relation] = r
		}
		for _, child := range n.Plans {
			add(child)
		}
	}
	add(p.Plan)
	return tables
}

// of returns the plans since the last call.
func (p *plans) of(t *testing.T) (list []plan) {
	t.Helper()
	for _, notice := range p.notices {
		_, text, found := strings.Cut(notice, "plan:\n")
		if !found {
			continue
		}
		var e plan
		require.NoError(t, json.Unmarshal([]byte(text), &e), text)
		e.text = text
		list = append(list, e)
	}
	p.notices = nil
	return list
}

// openExplained opens a database with one connection, which reports the plan of every
// statement, with how many rows each of its steps has read.
func openExplained(t *testing.T) (*store.DB, *plans) {
	t.Helper()
	connector, err := pq.NewConnector(testservices.Database(t))
	require.NoError(t, err)
	p := &plans{}
	pool := sqlx.NewDb(sql.OpenDB(pq.ConnectorWithNoticeHandler(connector, func(notice *pq.Error) { p.notices = append(p.notices, notice.Message) })), "postgres")
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	for _, statement := range []string{
		`load 'auto_explain'`, `set auto_explain.log_min_duration = 0`, `set auto_explain.log_level = 'notice'`,
		`set auto_explain.log_format = 'json'`, `set auto_explain.log_analyze = on`, `set auto_explain.log_timing = off`,
	} {
		_, err := pool.ExecContext(context.Background(), statement)
		require.NoError(t, err)
	}
	return store.FromPool(pool), p
}
