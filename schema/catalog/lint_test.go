package catalog

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const good = `-- The account's labels. Left out: "nothing"; not even select * from secrets.
with recent as (
    select l.id, l.title, l.amount * 2 as double, l.added from shop.labels l where l.account = $1
)
select
    r.id as _key,
    r.title as "title", -- what it says
    'a, from ; * b''c' as "odd", /* b /* nested */ */ -- quotes, and what looks like SQL
    coalesce(r.double, 0)::numeric(12, 2) as "double", -- twice the amount
    extract(year from r.added)::int as "yearAdded", -- year it was added
    (select count(*) from shop.uses u where u.label = r.id) as "uses", -- how often it was used
    r.title is distinct from 'x' as "other" -- whether it is another
from recent as r
where r.added < now();
`

func TestAPlainQueryPasses(t *testing.T) {
	q, problems := lintCategory("labels.sql", []byte(good))
	require.Empty(t, problems)
	require.Equal(t, []Column{
		{Name: "title", Description: "what it says"},
		{Name: "odd", Description: "quotes, and what looks like SQL"},
		{Name: "double", Description: "twice the amount"},
		{Name: "yearAdded", Description: "year it was added"},
		{Name: "uses", Description: "how often it was used"},
		{Name: "other", Description: "whether it is another"},
	}, q.columns)
	require.True(t, strings.HasPrefix(q.text, "with recent"), "opening comment goes")
	require.True(t, strings.HasSuffix(q.text, "now()"), "semicolon goes")
}

func TestAQueryThatCouldLeakIsRejected(t *testing.T) {
	const head = "select u.id as _key, u.name as \"name\" -- name\n"
	const tail = "\nfrom users u where u.account = $1"
	for _, c := range []struct{ name, sql, message string }{
		{"star", "select u.id as _key, u.*" + tail, "labels.sql:1: * names no columns"},
		{"bare star", "select *" + tail, "labels.sql:1: * names no columns"},
		{"star behind distinct on", "select distinct on (u.id) *" + tail, "* names no columns"},
		{"star in a subquery", "select u.id as _key, u.name as \"name\" -- n\nfrom (select * from users) u where u.account = $1", "labels.sql:2: * names no columns"},
		{"whole row", head + ", to_jsonb(u) as \"all\" -- all" + tail, `labels.sql:2: "u" is a whole row`},
		{"whole row of a table without alias", "select id as _key, users as \"all\" -- all\nfrom app.users where account = $1", `"users" is a whole row`},
		{"whole row of a subquery", head + ", to_jsonb(x) as \"all\" -- all\nfrom users u, (select 1 as one) x where u.account = $1", `"x" is a whole row`},
		{"whole row of a join", head + ", to_jsonb(o) as \"all\" -- all\nfrom users u left join others as o on o.id = u.id where u.account = $1", `"o" is a whole row`},
		{"whole row behind brackets", head + ", to_jsonb(o) as \"all\" -- all\nfrom (users u join others o on o.id = u.id) where u.account = $1", `"o" is a whole row`},
		{"whole row quoted", head + ", to_jsonb(\"U\") as \"all\" -- all\nfrom users \"U\", users u where u.account = $1", `"U" is a whole row`},
		{"table command", head + tail + " and u.id in (table users)", "TABLE does more than read"},
		{"secret source", "select u.id as _key,\n u.password_hash as \"mark\" -- mark" + tail, `labels.sql:2: "password_hash" looks like a secret`},
		{"secret alias", head + ", u.mark as \"accessToken\" -- mark" + tail, `labels.sql:2: "accessToken" looks like a secret`},
		{"secret in a condition", head + tail + "\nand u.mfa_secret is null", `labels.sql:4: "mfa_secret" looks like a secret`},
		{"secret quoted", head + `, u."passwordHash" as "mark" -- mark` + tail, `"passwordHash" looks like a secret`},
		{"secret in a JSON value", head + `, u.settings ->> 'api_key' as "mark" -- mark` + tail, `"api_key" looks like a secret`},
		{"secret by escape", head + `, u.U&"p\0061ssword" as "mark" -- mark` + tail, "hides its text"},
		{"secret behind a comment", head + ", u.pass/* */word as \"mark\" -- mark" + tail, `"pass" looks like a secret`},
		{"no account", head + "from users u", "labels.sql:2: does not use $1"},
		{"$1 in a comment", head + "from users u -- $1", "does not use $1"},
		{"$1 in a string", head + "from users u where u.account = '$1'", "does not use $1"},
		{"two parameters", head + tail + " and u.id > $2", "$2: there is only $1, the account"},
		{"two statements", head + tail + "; select 1", "more than one statement"},
		{"update", "update users set name = $1", "must be a plain SELECT"},
		{"delete inside with", "with gone as (delete from users where account = $1) " + head + tail, "DELETE does more than read"},
		{"select into", head + "into copy" + tail, "INTO does more than read"},
		{"locks", head + tail + " for update", "UPDATE does more than read"},
		{"nothing", "-- only a comment\n;", "labels.sql:1: contains no query"},
		{"no key", "select u.name as \"name\" -- name" + tail, "the first column must be _key"},
		{"key later", head + ", u.id as _key" + tail, "_key must be the first column"},
		{"only a key", "select u.id as _key" + tail, "selects nothing besides _key"},
		{"no alias", head + ", u.phone" + tail, "column 3 has no name"},
		{"snake alias", head + ", u.phone as \"home_phone\" -- p" + tail, `"home_phone" is not camelCase`},
		{"unquoted alias", head + ", u.phone as homePhone -- p" + tail, `homephone must be quoted`},
		{"twice", head + ", u.phone as \"name\" -- p" + tail, `"name" is selected twice`},
		{"undescribed", head + ", u.phone as \"phone\"\n" + tail, `"phone" is not described`},
		{"limit", head + tail + "\nlimit 10", "labels.sql:4: LIMIT is added by the reader"},
		{"order", head + tail + "\norder by 1", "ORDER is added by the reader"},
		{"distinct", "select distinct u.id as _key, u.name as \"name\" -- n" + tail, "DISTINCT is added by the reader"},
		{"open quote", head + ", 'abc as \"x\" -- x" + tail, "labels.sql:2: the quote that opens here is never closed"},
		{"open comment", head + "/* " + tail, "labels.sql:2: the comment that begins here never ends"},
		{"open bracket", head + ", (u.phone as \"x\" -- x" + tail, `")" is missing`},
		{"closed bracket", head + ", u.phone) as \"x\" -- x" + tail, `")" closes nothing`},
		{"dollar quotes", head + ", $$abc$$ as \"x\" -- x" + tail, "$-quoted strings"},
		{"psql command", `\copy users to stdout`, `'\\' does not belong in a query`},
		{"not text", "select '\xff' as _key" + tail, "is not UTF-8 text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := lintCategory("labels.sql", []byte(c.sql))
			var messages []string
			for _, p := range problems {
				messages = append(messages, p.Error())
			}
			require.Contains(t, strings.Join(messages, "\n"), c.message)
		})
	}
}

func TestHarmlessStarsAndNamesPass(t *testing.T) {
	for _, sql := range []string{
		`select u.id as _key, (u.a)*2 as "a", -- a
			u.b * u.c as "b", -- b
			u.d ~~* 'x%' as "d", -- d
			count(*) over (partition by u.e) as "e", -- e
			u.pinned as "pinned", -- f
			u.hashtags as "hashtags", -- g
			u.opinion as "shippingNotes", -- h
			u.compass as "keyboard" -- i
		from users u where u.account = $1`,
		`select o.id as _key, x.name as "name" -- name
		from only users as o cross join lateral (select o.name) as x (name), generate_series(1, 2) g (n)
		where o.account = $1 and g.n = 1`,
		`select c.id as _key, rank() over w as "rank" -- rank
		from calls c where c.account = $1 window w as (order by c.id)`,
		`select a.id as _key, a.x as "x" -- x
		from a where a.account = $1
		union all select b.id, b.x from b where b.account = $1`,
	} {
		_, problems := lintCategory("f.sql", []byte(sql))
		require.Empty(t, problems, sql)
	}
}

func TestADirectoryQueryMustHaveItsColumns(t *testing.T) {
	want := directoryQueries["people"]
	_, problems := lintDirectory("directory/people.sql", []byte("select u.sid as id, u.email from u where u.a = $1"), want)
	require.ErrorContains(t, problems[0], "directory/people.sql:1: must select id, account_sid, email, name, role, and selects id, email")

	_, problems = lintDirectory("directory/people.sql", []byte(`select id, account_sid, email, name, role from u where u.a = $1 and mfa = 'x'`), want)
	require.ErrorContains(t, problems[0], `"mfa" looks like a secret`)

	_, problems = lintDirectory("directory/credentials.sql", []byte(`select a as account_sid, '' user_id, role, secret_sha256, false as suspended from keys where k = $1`), directoryQueries["credentials"])
	require.Empty(t, problems)
}

func TestLooksSecret(t *testing.T) {
	for _, name := range []string{
		"password", "passwordHash", "user_password", "PASSWORD2", "secret", "clientSecret", "SecretSHA256", "auth_token",
		"authTokenSealed", "tokens", "hash", "card_hash", "mfa", "mfaEnabled", "mfa_recovery_codes", "totp_seed", "otp", "2fa_code",
		"credential", "credentials", "private_key", "privateKey", "privatekey", "api_key", "apiKey", "apikey", "APIKey",
		"recovery", "recoveryEmail", "pin", "porting_pin", "simPIN", "pin2", "ssn", "SSN", "cvv", "cvv2", "cardNumber", "db_pass",
	} {
		require.True(t, LooksSecret(name), name)
	}
	for _, name := range []string{
		"name", "pinned", "shipping", "hashtag", "opinion", "spin_rate", "topic", "keyboard", "key", "_key", "passenger", "phoneNumber",
		"assigned_to", "cardLast4", "from", "sid", "sha256", "fingerprint", "", "_", "日本",
	} {
		require.False(t, LooksSecret(name), name)
	}
}

func FuzzAQueryThatPassesCanBePutInParentheses(f *testing.F) {
	f.Add(good)
	f.Add("select u.id as _key, E'\\'' as \"a\" -- x\nfrom u where $1 = u.x")
	f.Add("select u.id as _key, u.x as \"a\" -- x\r\nfrom u where $1 = u.x -- end")
	f.Add("select \"\"\"\" as _key, '' /*/* */*/ as \"a\" -- x\n, $1 as \"b\" -- y")
	f.Fuzz(func(t *testing.T, sql string) {
		q, problems := lintCategory("f.sql", []byte(sql))
		if len(problems) > 0 {
			return
		}
		again, problems := lintCategory("f.sql", []byte("("+q.text+")"))
		require.NotEmpty(t, problems, "a query in parentheses is not a plain query")
		require.Empty(t, again.columns)
		tokens, _, err := lex([]byte("select r._key from (" + q.text + ") r"))
		require.NoError(t, err)
		require.Equal(t, "r", tokens[len(tokens)-1].text, "the query does not swallow what follows it")
		for _, token := range tokens {
			require.False(t, token.isName() && LooksSecret(token.text), token.text)
			require.False(t, token.is(";"))
		}
	})
}
