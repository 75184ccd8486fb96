package source_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/days"
	"satchel/schema/store/source"
)

// fields has the keys of each type's records in order, each with a pattern of
// the JSON values it may have.
var fields = map[schema.ResourceType][][2]string{
	schema.Messages: {
		{"sid", `"(SM|MM)[0-9a-fA-F]{32}"`}, {"account_sid", sid("AC")}, {"messaging_service_sid", sid("MG") + orNull}, {"from", text + orNull}, {"to", text + orNull},
		{"body", text + orNull}, {"num_segments", number}, {"num_media", number},
		{"status", `"(queued|sending|sent|failed|delivered|undelivered|receiving|received|accepted|scheduled|read|partially_delivered|canceled)"`},
		{"direction", `"(inbound|outbound-api|outbound-call|outbound-reply)"`}, {"date_created", at}, {"date_sent", at + orNull}, {"date_updated", at + orNull},
		{"price", decimal + orNull}, {"error_code", number + orNull},
	},
	schema.Calls: {
		{"sid", sid("CA")}, {"account_sid", sid("AC")}, {"parent_call_sid", sid("CA") + orNull}, {"from", text + orNull}, {"from_formatted", text + orNull},
		{"to", text + orNull}, {"to_formatted", text + orNull}, {"phone_number_sid", sid("PN") + orNull},
		{"status", `"(queued|ringing|in-progress|completed|busy|failed|no-answer|canceled)"`}, {"direction", `"(inbound|outbound-api|outbound-dial|trunking-[a-z]+)"`},
		{"date_created", at}, {"date_updated", at + orNull}, {"start_time", at + orNull}, {"end_time", at + orNull}, {"duration", `"[0-9]+"` + orNull},
		{"price", decimal + orNull}, {"price_unit", `"[A-Z]{3}"` + orNull}, {"answered_by", text + orNull}, {"forwarded_from", text + orNull}, {"caller_name", text + orNull},
		{"api_version", `"2010-04-01"`}, {"group_sid", sid("GP") + orNull}, {"queue_time", `"[0-9]+"` + orNull}, {"trunk_sid", sid("TK") + orNull},
	},
	schema.Conferences: {
		{"sid", sid("CF")}, {"account_sid", sid("AC")}, {"friendly_name", text + orNull}, {"region", text + orNull}, {"status", `"(init|in-progress|completed)"`},
		{"date_created", at}, {"date_updated", at + orNull},
		{"reason_conference_ended", `"(conference-ended-via-api|participant-with-end-conference-on-exit-left|participant-with-end-conference-on-exit-kicked|last-participant-kicked|last-participant-left)"` + orNull},
		{"call_sid_ending_conference", sid("CA") + orNull},
	},
	schema.Participants: {
		{"account_sid", sid("AC")}, {"call_sid", sid("CA")}, {"conference_sid", sid("CF")}, {"call_sid_to_coach", sid("CA") + orNull},
		{"coaching", boolean}, {"muted", boolean}, {"hold", boolean}, {"start_conference_on_enter", boolean}, {"end_conference_on_exit", boolean},
		{"status", `"(queued|connecting|ringing|connected|complete|failed)"`}, {"date_created", at}, {"date_updated", at + orNull}, {"queue_time", `"[0-9]+"` + orNull},
	},
}

const (
	orNull  = `|null`
	number  = `-?[0-9]+`
	boolean = `true|false`
	decimal = `"-?[0-9]+(\.[0-9]+)?"`
	text    = `"(.|\n)*"`
	at      = `"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"`
)

func sid(prefix string) string { return `"` + prefix + `[0-9a-fA-F]{32}"` }

// edgeDays are the days of the demo's edge-case records.
var edgeDays = []schema.Day{"2024-02-29", "2026-02-01", "2026-02-02", "2026-02-28", "2026-03-01", "2026-03-02"}

func TestEveryFieldHasItsPlaceAndType(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, typ := range schema.ResourceTypes {
		require.NoError(t, demo.FillDays(t.Context(), p.url, p.account, typ, "2026-03-05", "2026-03-05", 40))
		present, null := map[string]bool{}, map[string]bool{}
		for _, day := range append(slices.Clone(edgeDays), "2026-03-05") {
			for _, record := range p.day(typ, day) {
				var members []string
				decoder := json.NewDecoder(strings.NewReader(record))
				_, err := decoder.Token()
				require.NoError(t, err)
				for i := 0; decoder.More(); i++ {
					key, err := decoder.Token()
					require.NoError(t, err)
					var value json.RawMessage
					require.NoError(t, decoder.Decode(&value))
					members = append(members, key.(string))
					require.Equal(t, fields[typ][i][0], key, record)
					require.Regexp(t, `^(`+fields[typ][i][1]+`)$`, string(value), "%s of %s", key, typ)
					if string(value) == "null" {
						null[key.(string)] = true
					} else {
						present[key.(string)] = true
					}
				}
				require.Len(t, members, len(fields[typ]), "all keys, always")
			}
		}
		for i, field := range fields[typ] {
			require.Equal(t, days.Keys[typ][i], field[0])
			require.True(t, present[field[0]] || field[0] == "parent_call_sid", "some %s have a %s", typ, field[0])
			require.Equal(t, strings.HasSuffix(field[1], orNull), null[field[0]], "some %s have no %s", typ, field[0])
		}
	}
}

func TestTheSampleOfTheContractIsWrittenToTheByte(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := "SM" + strings.Repeat("0d5e", 8)
	p.exec(`insert into platform.messages (sid, account_sid, from_number, to_number, body, status, direction, date_created, date_sent, date_updated, price, price_unit)
		values ($1, $2, '+15005550006', '+491701234567', 'Hallo', 'delivered', 'outbound-api', '2026-04-01 11:30:00+02', '2026-04-01 09:30:01.9+00', '2026-04-01 09:30:04+00', -0.00750, 'USD')`, id, p.account)
	require.Equal(t, []string{`{"sid":"` + id + `","account_sid":"` + p.account + `","messaging_service_sid":null,"from":"+15005550006","to":"+491701234567","body":"Hallo","num_segments":1,"num_media":0,` +
		`"status":"delivered","direction":"outbound-api","date_created":"2026-04-01T09:30:00Z","date_sent":"2026-04-01T09:30:01Z","date_updated":"2026-04-01T09:30:04Z","price":"-0.00750","error_code":null}`},
		p.day(schema.Messages, "2026-04-01"))
}

func TestDayRecordsAreWrittenAsPostgresWritesThem(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for i, v := range poison["text"] {
		id := fmt.Sprintf("%032x", i)
		p.exec(`insert into platform.messages (sid, account_sid, body, from_number, status, direction, date_created) values ('SM' || $1, $2, (`+v+`)::text, (`+v+`)::text, 'sent', 'inbound', '2026-05-01 00:00+00')`, id, p.account)
		p.exec(`insert into platform.calls (sid, account_sid, caller_name, from_formatted, status, direction, date_created, price) values ('CA' || $1, $2, (`+v+`)::text, (`+v+`)::text, 'queued', 'inbound', '2026-05-01 00:00+00', 1e-20)`, id, p.account)
		p.exec(`insert into platform.conferences (sid, account_sid, friendly_name, region, status, date_created) values ('CF' || $1, $2, (`+v+`)::text, (`+v+`)::text, 'init', '2026-05-01 00:00+00')`, id, p.account)
		p.exec(`insert into platform.participants (sid, account_sid, conference_sid, call_sid, call_sid_to_coach, status, date_created) values ('PA' || $1, $2, 'CF', coalesce((`+v+`)::text, ''), (`+v+`)::text, 'failed', '2026-05-01 00:00+00')`, id, p.account)
	}
	for _, typ := range schema.ResourceTypes {
		for _, day := range append(slices.Clone(edgeDays), "2026-05-01") {
			want := p.rowToJSON(typ, day)
			require.Equal(t, want, p.day(typ, day), "%s of %s", typ, day)
			if day == "2026-05-01" {
				require.Len(t, want, len(poison["text"]))
			}
		}
	}
}

func TestADayHoldsTheRecordsOfItsUTCDayOnly(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	other := schema.NewAccountID()
	insert := map[schema.ResourceType]string{
		schema.Messages:     `insert into platform.messages (sid, account_sid, status, direction, date_created) values ('SM' || $1, $2, 'sent', 'inbound', $3)`,
		schema.Calls:        `insert into platform.calls (sid, account_sid, status, direction, date_created) values ('CA' || $1, $2, 'queued', 'inbound', $3)`,
		schema.Conferences:  `insert into platform.conferences (sid, account_sid, status, date_created) values ('CF' || $1, $2, 'init', $3)`,
		schema.Participants: `insert into platform.participants (sid, account_sid, conference_sid, call_sid, status, date_created) values ('PA' || $1, $2, 'CF', 'CA' || $1, 'failed', $3)`,
	}
	for typ, statement := range insert {
		var want []string
		for i, row := range []struct{ account, at string }{
			{p.account, "2026-06-01 00:00:00+00"}, {p.account, "2026-06-01 23:59:59.999999+00"}, // the day
			{p.account, "2026-05-31 23:59:59.999999+00"}, {p.account, "2026-06-02 00:00:00+00"}, // its neighbours
			{other, "2026-06-01 12:00:00+00"}, {p.account, "infinity"}, {p.account, "-infinity"},
			{p.account, "2026-06-01 12:00:00.000002+00"}, {p.account, "2026-06-01 12:00:00.000001+00"}, {p.account, "2026-06-01 14:00:00.000001+02"}, // in another order
		} {
			p.exec(statement, fmt.Sprintf("%032x", 1000-i), row.account, row.at)
		}
		for _, i := range []int{0, 9, 8, 7, 1} {
			want = append(want, fmt.Sprintf("%032x", 1000-i))
		}
		var got []string
		for _, record := range p.day(typ, "2026-06-01") {
			var r struct {
				SID  string `json:"sid"`
				Call string `json:"call_sid"`
			}
			require.NoError(t, json.Unmarshal([]byte(record), &r))
			got = append(got, (r.SID + r.Call)[2:])
		}
		require.Equal(t, want, got, "%s by creation, then SID", typ)
		require.Len(t, p.day(typ, "2026-05-31"), 1)
		require.Len(t, p.day(typ, "2026-06-02"), 1)
		require.Empty(t, p.day(typ, "2026-06-03"), "a day without records")
	}
}

func TestErasedAndScrubbedCallsAreLeftOut(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	sids := func(records []string) (all []string) {
		for _, record := range records {
			all = append(all, regexp.MustCompile(`CA[0-9a-f]{32}`).FindString(record))
		}
		return all
	}
	archived := sids(p.day(schema.Calls, "2024-02-29"))
	require.Len(t, archived, 2, "the third is scrubbed")
	require.Equal(t, archived[1:], sids(p.day(schema.Calls, "2024-02-29", archived[0], "CA"+strings.Repeat("0", 32))))
	require.Empty(t, p.day(schema.Calls, "2024-02-29", archived...))
	live := sids(p.day(schema.Calls, "2026-02-01"))
	require.Len(t, live, 2)
	require.Equal(t, live[:1], sids(p.day(schema.Calls, "2026-02-01", live[1])))
	require.Empty(t, p.day(schema.Calls, "2024-02-01"), "scrubbed")
}

func TestReadingADayTwiceGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, typ := range schema.ResourceTypes {
		require.NoError(t, demo.FillDays(t.Context(), p.url, p.account, typ, "2026-03-05", "2026-03-05", 500))
		before := p.day(typ, "2026-03-05")
		table := map[schema.ResourceType]string{schema.Messages: "messages", schema.Calls: "calls", schema.Conferences: "conferences", schema.Participants: "participants"}[typ]
		p.exec(`update platform.` + table + ` set date_updated = date_updated where right(sid, 1) < '8'`) // moves the rows within the table
		p.exec(`analyze platform.` + table)
		require.Equal(t, before, p.day(typ, "2026-03-05"), typ)
		require.Len(t, before, 500)
	}
}

func TestDayQueriesAreDescribed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, typ := range schema.ResourceTypes {
		columns, err := p.db.DescribeRows(t.Context(), p.catalog.Day(typ), days.Params(typ))
		require.NoError(t, err)
		require.Len(t, columns, len(fields[typ]))
		for i, c := range columns {
			require.Equal(t, fields[typ][i][0], c.Name)
			want := map[string]string{number: "integer", boolean: "boolean"}[strings.TrimSuffix(fields[typ][i][1], orNull)]
			if want == "" {
				want = "text"
			}
			require.Equal(t, want, c.Type, "%s of %s", c.Name, typ)
		}
	}
}

func TestEraseCallsDeletesTheseCallsAndNoOthers(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	other, err := demo.NewAccount(t.Context(), p.url, demo.With{Records: true})
	require.NoError(t, err)
	archive, err := source.OpenArchive(p.url, p.catalog.EraseCalls(), 2)
	require.NoError(t, err)
	defer archive.Close() //nolint:errcheck // only EraseCalls uses it
	ids := func(table, account string) (all []string) {
		require.NoError(t, p.writer.QueryRow(`select array_agg(sid order by sid) from platform.`+table+` where account_sid = $1`, account).Scan((*pq.StringArray)(&all)))
		return all
	}
	mine, theirs, live := ids("calls_archive", p.account), ids("calls_archive", other.AccountSID), ids("calls", p.account)
	require.Len(t, mine, 3)
	for range 2 {
		require.NoError(t, archive.EraseCalls(t.Context(), p.account, []string{mine[0], mine[1], theirs[0], live[0], "CAnone"}))
		require.Equal(t, mine[2:], ids("calls_archive", p.account))
		require.Equal(t, theirs, ids("calls_archive", other.AccountSID))
		require.Equal(t, live, ids("calls", p.account), "the operational record stays")
	}
	require.NoError(t, archive.EraseCalls(t.Context(), p.account, nil))
	_, err = source.OpenArchive("postgres://ada:hunter2@host/db", p.catalog.EraseCalls(), 1)
	require.ErrorContains(t, err, "ARCHIVE_DATABASE_URL must say its sslmode")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestDirectoryAnswersForBulkExports(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	ctx := t.Context()
	sub, err := demo.NewAccount(ctx, p.url, demo.With{Name: "Sub", Parent: p.account, Seal: func(_ string, token []byte) ([]byte, error) { return append([]byte("sealed "), token...), nil }})
	require.NoError(t, err)
	d := p.db.Directory(source.DirectoryQueries{Signing: p.catalog.Signing(), Subaccounts: p.catalog.Subaccounts(), Call: p.catalog.Call()})

	key, err := d.SigningKey(ctx, sub.AccountSID)
	require.NoError(t, err)
	require.Equal(t, "sealed "+sub.AuthToken, string(key))
	subs, err := d.Subaccounts(ctx, p.account)
	require.NoError(t, err)
	require.Equal(t, []schema.Account{{ID: sub.AccountSID, Name: "Sub", Parent: p.account}}, subs)
	p.exec(`update platform.accounts set suspended = true where sid = $1`, sub.AccountSID)
	subs, err = d.Subaccounts(ctx, p.account)
	require.NoError(t, err)
	require.True(t, subs[0].Suspended)

	p.exec(`insert into platform.calls (sid, account_sid, status, direction, date_created) values ('CA' || repeat('1', 32), $1, 'queued', 'inbound', '2026-06-01 23:59:59.999999+00')`, p.account)
	day, err := d.CallDay(ctx, p.account, "CA"+strings.Repeat("1", 32))
	require.NoError(t, err)
	require.Equal(t, schema.Day("2026-06-01"), day)
	var archived string
	require.NoError(t, p.writer.QueryRow(`select sid from platform.calls_archive where account_sid = $1 and date_created = '2024-02-29 00:00+00'`, p.account).Scan(&archived))
	day, err = d.CallDay(ctx, p.account, archived)
	require.NoError(t, err)
	require.Equal(t, schema.Day("2024-02-29"), day)

	withoutQueries := p.db.Directory(source.DirectoryQueries{})
	for name, d := range map[string]*source.Directory{"no rows": d, "no queries": withoutQueries} {
		_, err = d.SigningKey(ctx, p.account)
		require.Equal(t, schema.Conflict, schema.KindOf(err), name)
		require.EqualError(t, err, "The account has no auth token that webhooks could be signed with.")
		subs, err = d.Subaccounts(ctx, sub.AccountSID)
		require.NoError(t, err)
		require.Empty(t, subs, name)
		for _, call := range []string{"CA" + strings.Repeat("2", 32), "", "\x00"} {
			_, err = d.CallDay(ctx, p.account, call)
			require.Equal(t, schema.NotFound, schema.KindOf(err), "%s: %v", name, err)
		}
		_, err = d.CallDay(ctx, sub.AccountSID, archived)
		require.Equal(t, schema.NotFound, schema.KindOf(err), "of another account")
	}
}

// platform is a database with the platform's tables and an account with
// edge-case records.
type platform struct {
	testing.TB
	url     string
	db      *source.DB
	writer  *sql.DB
	catalog *catalog.Catalog
	account string
}

func newPlatform(t testing.TB) platform {
	t.Helper()
	url := testservices.Database(t)
	a, err := demo.NewAccount(context.Background(), url, demo.With{Records: true})
	require.NoError(t, err)
	db, writer := openURL(t, url, inKathmandu)
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	return platform{t, url, db, writer, embedded, a.AccountSID}
}

func (p platform) exec(statement string, args ...any) {
	p.Helper()
	_, err := p.writer.Exec(statement, args...)
	require.NoError(p, err)
}

func (p platform) args(typ schema.ResourceType, day schema.Day, erased []string) []any {
	return []any{p.account, day.Begins(), day.Plus(1).Begins(), erased}[:days.Params(typ)]
}

// day returns the account's records of a day.
func (p platform) day(typ schema.ResourceType, day schema.Day, erased ...string) (records []string) {
	p.Helper()
	require.NoError(p, p.db.ReadRows(p.Context(), p.catalog.Day(typ), p.args(typ, day, erased), func(s *source.Snapshot) error {
		for {
			record, err := s.AppendRow(nil)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			records = append(records, string(record))
		}
	}))
	return records
}

// rowToJSON returns Postgres' own JSON of the same records.
func (p platform) rowToJSON(typ schema.ResourceType, day schema.Day) (records []string) {
	p.Helper()
	args := p.args(typ, day, nil)
	if typ == schema.Calls {
		args[3] = "{}"
	}
	var names []string
	for _, key := range days.Keys[typ] {
		names = append(names, `q."`+key+`"`)
	}
	rows, err := p.writer.Query(`select row_to_json(r)::text from (select `+strings.Join(names, ", ")+` from (`+p.catalog.Day(typ)+`) q order by q._at, q._key) r`, args...)
	require.NoError(p, err)
	defer rows.Close() //nolint:errcheck // read to the end
	for rows.Next() {
		var record string
		require.NoError(p, rows.Scan(&record))
		records = append(records, record)
	}
	require.NoError(p, rows.Err())
	return records
}
