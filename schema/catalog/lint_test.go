package catalog

import (
	"errors"
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
	require.True(t, strings.HasPrefix(q.text, "with recent"), "the comment at the head is removed")
	require.True(t, strings.HasSuffix(q.text, "now()"), "the semicolon is removed")
}

func TestAQueryThatCouldLeakIsRejected(t *testing.T) {
	const head = "select u.id as _key, u.name as \"name\" -- name\n"
	const tail = "\nfrom users u where u.account = $1"
	for _, c := range []struct{ name, sql, message string }{
		{"star", "select u.id as _key, u.*" + tail, "labels.sql:1: * names no columns"},
		{"bare star", "select *" + tail, "labels.sql:1: * names no columns"},
		{"star behind distinct on", "select distinct on (u.id) *" + tail, "* names no columns"},
		{"star before parentheses", "select * (a)" + tail, "* names no columns"},
		{"star behind all", "select all * (a)" + tail, "* names no columns"},
		{"star behind distinct", "select distinct * (a)" + tail, "* names no columns"},
		{"star in an array", "select u.id as _key, array(select * from phones p) as \"phones\" -- p" + tail, "* names no columns"},
		{"star of a row", "select u.id as _key, row(u.*) as \"all\" -- all" + tail, "* names no columns"},
		{"star counted with a table", "select u.id as _key, count(u.*) as \"all\" -- all" + tail, "* names no columns"},
		{"star in another function", "select u.id as _key, sum(*) as \"all\" -- all" + tail, "* names no columns"},
		{"star in a subquery", "select u.id as _key, u.name as \"name\" -- n\nfrom (select * from users) u where u.account = $1", "labels.sql:2: * names no columns"},
		{"whole row", head + ", to_jsonb(u) as \"all\" -- all" + tail, `labels.sql:2: "u" is a whole row`},
		{"whole row of a table without alias", "select id as _key, users as \"all\" -- all\nfrom app.users where account = $1", `"users" is a whole row`},
		{"whole row of a subquery", head + ", to_jsonb(x) as \"all\" -- all\nfrom users u, (select 1 as one) x where u.account = $1", `"x" is a whole row`},
		{"whole row of a join", head + ", to_jsonb(o) as \"all\" -- all\nfrom users u left join others as o on o.id = u.id where u.account = $1", `"o" is a whole row`},
		{"whole row behind brackets", head + ", to_jsonb(o) as \"all\" -- all\nfrom (users u join others o on o.id = u.id) where u.account = $1", `"o" is a whole row`},
		{"whole row of the first table in brackets", head + ", to_jsonb(u) as \"all\" -- all\nfrom (users u join others o on o.id = u.id) where o.account = $1", `"u" is a whole row`},
		{"whole row of a function", head + ", to_jsonb(p) as \"all\" -- all\nfrom users u, phones_of(u.id) p where u.account = $1", `"p" is a whole row`},
		{"whole row of a lateral function", head + ", to_jsonb(p) as \"all\" -- all\nfrom users u cross join lateral phones_of(u.id) p where u.account = $1", `"p" is a whole row`},
		{"whole row of only one table", "select id as _key, to_jsonb(users) as \"all\" -- all\nfrom only users where account = $1", `"users" is a whole row`},
		{"whole row cast", head + ", u::text as \"all\" -- all" + tail, `"u" is a whole row`},
		{"whole row taken apart", head + ", (u).phone as \"phone\" -- p" + tail, `"u" is a whole row`},
		{"whole row quoted", head + ", to_jsonb(\"U\") as \"all\" -- all\nfrom users \"U\", users u where u.account = $1", `"U" is a whole row`},
		{"table command", head + tail + " and u.id in (table users)", "TABLE does more than read"},
		{"secret source", "select u.id as _key,\n u.password_hash as \"mark\" -- mark" + tail, `labels.sql:2: "password_hash" looks like a secret`},
		{"secret alias", head + ", u.mark as \"accessToken\" -- mark" + tail, `labels.sql:2: "accessToken" looks like a secret`},
		{"secret in a condition", head + tail + "\nand u.mfa_secret is null", `labels.sql:4: "mfa_secret" looks like a secret`},
		{"secret quoted", head + `, u."passwordHash" as "mark" -- mark` + tail, `"passwordHash" looks like a secret`},
		{"secret in a JSON value", head + `, u.settings ->> 'api_key' as "mark" -- mark` + tail, `"api_key" looks like a secret`},
		{"secret as a JSON key", head + `, u.settings -> 'api_key' as "mark" -- mark` + tail, `"api_key" looks like a secret`},
		{"secret in a JSON path", head + `, u.settings #> '{auth,password}' as "mark" -- mark` + tail, `"{auth,password}" looks like a secret`},
		{"secret in a JSON path as text", head + `, u.settings #>> '{api_key}' as "mark" -- mark` + tail, `"{api_key}" looks like a secret`},
		{"secret as a subscript", head + `, u.settings['api_key'] as "mark" -- mark` + tail, `"api_key" looks like a secret`},
		{"secret in an array of keys", head + `, u.settings #>> array['api_key'] as "mark" -- mark` + tail, `"api_key" looks like a secret`},
		{"secret of two words", head + `, u."api keys" as "mark" -- mark` + tail, `"api keys" looks like a secret`},
		{"secret behind a nested comment", head + `, /* /* */ */ u.password as "mark" -- mark` + tail, `"password" looks like a secret`},
		{"secret behind a backslash", head + `, 'a\' || u.password || 'b' as "mark" -- mark` + tail, `"password" looks like a secret`},
		{"secret behind an escaped quote", head + `, E'a\'' || u.password || E'\'b' as "mark" -- mark` + tail, `"password" looks like a secret`},
		{"secret behind a comment that a carriage return ends", head + ", u.mark -- mark\r|| u.password as \"mark\" -- mark" + tail, `"password" looks like a secret`},
		{"secret beside letters beyond ASCII", head + `, u.contraseña_password as "mark" -- mark` + tail, `"contraseña_password" looks like a secret`},
		{"secret by escape", head + `, u.U&"p\0061ssword" as "mark" -- mark` + tail, "hides its text"},
		{"secret behind a comment", head + ", u.pass/* */word as \"mark\" -- mark" + tail, `"pass" looks like a secret`},
		{"no account", head + "from users u", "labels.sql:2: does not use $1, so it would return the records of every account"},
		{"$1 in a comment", head + "from users u -- $1", "does not use $1"},
		{"$1 in a string", head + "from users u where u.account = '$1'", "does not use $1"},
		{"$1 in a comment that an operator opens", head + "from users u where u.account =--$1\n u.account", "does not use $1"},
		{"$1 in a nested comment", head + "from users u /* /* */ where u.account = $1 */", "does not use $1"},
		{"$1 in a string with a backslash", head + `from users u where u.account <> '\' and 'a' <> ' = $1 '`, "does not use $1"},
		{"$1 in a string with an escaped quote", head + `from users u where u.account <> E'\' = $1 '`, "does not use $1"},
		{"$1 at the end of a name", head + "from users u where u.account = u.compte_é$1", "does not use $1"},
		{"two parameters", head + tail + " and u.id > $2", "$2: there is only $1, the account"},
		{"two statements", head + tail + "; select 1", "more than one statement"},
		{"update", "update users set name = $1", "must be a plain SELECT"},
		{"delete inside with", "with gone as (delete from users where account = $1) " + head + tail, "DELETE does more than read"},
		{"select into", head + "into copy" + tail, "INTO does more than read"},
		{"locks", head + tail + " for update", "UPDATE does more than read"},
		{"shared locks", head + tail + " for share", "SHARE does more than read"},
		{"key locks", head + tail + " for key share", "SHARE does more than read"},
		{"insert inside with", "with added as (insert into log values ($1) returning id) " + head + tail, "INSERT does more than read"},
		{"update inside with", "with changed as (update users set seen = $1 returning id) " + head + tail, "UPDATE does more than read"},
		{"merge inside with", "with merged as (merge users u using v on true when matched then do nothing) " + head + tail, "MERGE does more than read"},
		{"explain", "explain " + head + tail, "must be a plain SELECT"},
		{"explain analyze", "explain analyze " + head + tail, "must be a plain SELECT"},
		{"values", "values ($1)", "must be a plain SELECT"},
		{"table", "table users", "must be a plain SELECT"},
		{"copy", "copy users to stdout", "must be a plain SELECT"},
		{"call", "call forget($1)", "must be a plain SELECT"},
		{"in parentheses", "(" + head + tail + ")", "must be a plain SELECT"},
		{"nothing", "-- only a comment\n;", "labels.sql:1: contains no query"},
		{"no key", "select u.name as \"name\" -- name" + tail, "the first column must be _key"},
		{"key later", head + ", u.id as _key" + tail, "_key must be the first column"},
		{"only a key", "select u.id as _key" + tail, "selects nothing besides _key"},
		{"no expression", head + ", as \"x\" -- x" + tail, "column 3 has no name"},
		{"name in single quotes", head + ", u.phone as 'phone' -- p" + tail, "column 3 has no name"},
		{"no alias", head + ", u.phone" + tail, "column 3 has no name"},
		{"snake alias", head + ", u.phone as \"home_phone\" -- p" + tail, `"home_phone" is not camelCase`},
		{"unquoted alias", head + ", u.phone as homePhone -- p" + tail, `homephone must be quoted`},
		{"twice", head + ", u.phone as \"name\" -- p" + tail, `"name" is selected twice`},
		{"undescribed", head + ", u.phone as \"phone\"\n" + tail, `"phone" is not described`},
		{"limit", head + tail + "\nlimit 10", "labels.sql:4: LIMIT is added by the reader"},
		{"order", head + tail + "\norder by 1", "ORDER is added by the reader"},
		{"fetch", head + tail + "\nfetch first row only", "labels.sql:4: FETCH is added by the reader"},
		{"offset", head + tail + "\noffset 10", "labels.sql:4: OFFSET is added by the reader"},
		{"distinct on", "select distinct on (u.id) u.id as _key, u.name as \"name\" -- n" + tail, "DISTINCT is added by the reader"},
		{"distinct", "select distinct u.id as _key, u.name as \"name\" -- n" + tail, "DISTINCT is added by the reader"},
		{"open quote", head + ", 'abc as \"x\" -- x" + tail, "labels.sql:2: the quote that opens here is never closed"},
		{"open comment", head + "/* " + tail, "labels.sql:2: the comment that begins here never ends"},
		{"open bracket", head + ", (u.phone as \"x\" -- x" + tail, `")" is missing`},
		{"closed bracket", head + ", u.phone) as \"x\" -- x" + tail, `")" closes nothing`},
		{"brackets of two kinds", head + ", (u.phones[1) as \"x\" -- x" + tail, `")" closes nothing`},
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

func TestADayQueryIsHeldToTheSameRules(t *testing.T) {
	const head = "select c.made as _at, c.id as _key, c.a as \"a\", -- a\n c.b as \"b_c\" -- b\n"
	const tail = "from calls c where c.account = $1 and c.made >= $2 and c.made < $3"
	keys := []string{"a", "b_c"}
	q, problems := lintDay("days/Calls.sql", []byte("-- Calls.\n"+head+tail+";"), keys, 3)
	require.Empty(t, problems)
	require.Equal(t, "Calls.", q.note)
	require.Equal(t, head+tail, q.text)
	require.Equal(t, []Column{{Name: "a", Description: "a"}, {Name: "b_c", Description: "b"}}, q.columns)

	for _, c := range []struct{ name, sql, message string }{
		{"secret", strings.Replace(head, "c.b", "c.password", 1) + tail, `days/Calls.sql:2: "password" looks like a secret`},
		{"secret in a condition", head + tail + " and c.api_key is null", `"api_key" looks like a secret`},
		{"star", strings.Replace(head, "c.b as", "(select * from x) as", 1) + tail, "days/Calls.sql:2: * names no columns"},
		{"whole row", strings.Replace(head, "c.b", "to_jsonb(c)", 1) + tail, `days/Calls.sql:2: "c" is a whole row`},
		{"update", "update calls set a = $1 where b = $2 and c = $3", "must be a plain SELECT"},
		{"locks", head + tail + " for share", "SHARE does more than read"},
		{"order", head + tail + " order by 1", "ORDER is added by the reader"},
		{"limit", head + tail + " limit 1", "LIMIT is added by the reader"},
		{"no account", head + "from calls c where c.made >= $2 and c.made < $3", "does not use $1"},
		{"no start", head + "from calls c where c.account = $1 and c.made < $3", "does not use $2"},
		{"no end", head + "from calls c where c.account = $1 and c.made >= $2", "does not use $3"},
		{"fourth parameter", head + tail + " and c.id <> $4", "$4: the parameters are $1, the account, to $3"},
		{"parameter zero", head + tail + " and c.id <> $0", "$0: the parameters are $1, the account, to $3"},
		{"columns in another order", "select c.made as _at, c.id as _key, c.b as \"b_c\", -- b\n c.a as \"a\" -- a\n" + tail, "must select a, b_c, and selects b_c, a"},
		{"a column too few", "select c.made as _at, c.id as _key, c.a as \"a\" -- a\n" + tail, "must select a, b_c, and selects a"},
		{"a column too many", strings.Replace(head, "c.b", "c.x as \"x\", -- x\n c.b", 1) + tail, "must select a, b_c, and selects a, x, b_c"},
		{"key before time", "select c.id as _key, c.made as _at, c.a as \"a\" -- a\n" + tail, `the first column must be _at, not "_key"`},
		{"no key", "select c.made as _at, c.a as \"a\" -- a\n" + tail, `the second column must be _key, not "a"`},
		{"time again", strings.Replace(head, `"b_c"`, `_at`, 1) + tail, "_at must be the first column"},
		{"camel case", strings.Replace(head, `"b_c"`, `"bC"`, 1) + tail, `"bC" is not snake_case`},
		{"undescribed", strings.Replace(head, "-- b", "", 1) + tail, `"b_c" is not described`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := lintDay("days/Calls.sql", []byte(c.sql), keys, 3)
			require.ErrorContains(t, errors.Join(problems...), c.message)
		})
	}
}

func TestTheErasureDeletesCallsOfOneAccountOnly(t *testing.T) {
	const good = "delete from old.calls where account = $1 and id = any ($2)"
	q, problems := lintErasure("days/erase/Calls.sql", []byte("-- Deletes.\n"+good+";\n"))
	require.Empty(t, problems)
	require.Equal(t, good, q.text)
	for sql, message := range map[string]string{
		"": "contains no query",
		"select from old.calls where account = $1 and id = any ($2)":                       "must be a plain DELETE FROM",
		"delete from old.calls using (delete from x) where account = $1 and id = any ($2)": "DELETE does more than read",
		"select $1, $2":                "must be a plain DELETE FROM",
		"delete":                       "must be a plain DELETE FROM",
		"truncate old.calls":           "must be a plain DELETE FROM",
		"with x as (select 1) " + good: "must be a plain DELETE FROM",
		"delete from old.calls where account = $1":  "does not use $2",
		"delete from old.calls where id = any ($2)": "does not use $1",
		"delete from old.calls -- $1 $2":            "does not use $1",
		good + " and x = $3":                        "$3: the parameters are $1, the account, to $2",
		good + "; delete from users":                "contains more than one statement",
		good + " and x in (delete from users)":      "DELETE does more than read",
		good + " and x in (select y into z from w)": "INTO does more than read",
		good + ")":       `")" closes nothing`,
		good + " and (x": `")" is missing`,
	} {
		_, problems := lintErasure("days/erase/Calls.sql", []byte(sql))
		require.ErrorContains(t, errors.Join(problems...), message, sql)
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
		`select u.id as _key, (u.a)*(2) as "a", -- a
			u.update as "changed", -- b
			u.share as "share", -- c
			lower(u.name) as "name", -- d
			v.u as "u", -- e
			extract(year from joined) as "year", -- f
			joined as "joined", -- g
			u.settings -> 'theme' as "theme", -- h
			u.phones[1] as "phone", -- i
			u.a ` + "`" + ` 2 as "i" -- j
		from users u, values_of v, lower(u.x) lower where u.account = $1`,
		`select $1 as _key, 1 as "one" -- one`,
		`select $1 as _key, 1 as "one" -- one
		where $1 <> ''`,
		`select $1 as _key, 1 as "one" -- one
		group by 1`,
		`select $1 as _key, 1 as "one" -- one
		having true`,
		`select $1 as _key, 1 as "one" -- one
		union all select '', 2`,
		`select $1 as _key, 1 as "one" -- one
		intersect select '', 2`,
		`select $1 as _key, 1 as "one" -- one
		except select '', 2`,
		`select $1 as _key, rank() over w as "rank" -- rank
		window w as ()`,
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

	for _, optional := range []string{"", ", timezone"} {
		_, problems = lintDirectory("directory/people.sql", []byte(`select id, account_sid, email, name, role`+optional+` from u where u.a = $1`), want)
		require.Empty(t, problems, optional)
	}
	_, problems = lintDirectory("directory/people.sql", []byte(`select id, account_sid, email, name, role, timezone, timezone from u where u.a = $1`), want)
	require.ErrorContains(t, problems[0], "and selects id, account_sid, email, name, role, timezone")

	_, problems = lintDirectory("directory/people.sql", []byte(`select id, account_sid, email, name, role from u where u.a = $1 and mfa = 'x'`), want)
	require.ErrorContains(t, problems[0], `"mfa" looks like a secret`)

	_, problems = lintDirectory("directory/credentials.sql", []byte(`select a as account_sid, '' user_id, role, secret_sha256, false as suspended from keys where k = $1`), directoryQueries["credentials"])
	require.Empty(t, problems)
}

func TestADirectoryQueryIsHeldToTheSameRules(t *testing.T) {
	want := directoryQuery{columns: []string{"id", "name"}, params: 2}
	const good = "select u.id, u.n as name from users u where u.account = $1 and u.id <> $2"
	q, problems := lintDirectory("directory/x.sql", []byte("-- X.\n"+good+" ;"), want)
	require.Empty(t, problems)
	require.Equal(t, good, q.text)
	_, problems = lintDirectory("directory/x.sql", []byte("select u.n as name, u.id from users u where u.account = $1 and u.id <> $2 order by 1"), want)
	require.Empty(t, problems, "columns may come in any order, and so may rows")
	for sql, message := range map[string]string{
		"update users set name = $1 where id = $2":                  "must be a plain SELECT",
		"explain " + good:                                           "must be a plain SELECT",
		good + " for share":                                         "SHARE does more than read",
		good + "; " + good:                                          "contains more than one statement",
		"select u.id, u.name from users u where u.account = $1":     "does not use $2",
		"select * from users u where u.account = $1 and u.id <> $2": "* names no columns",
		"select u.id, (u).name as name from users u where u.account = $1 and u.id <> $2":   `"u" is a whole row`,
		"select u.id, u.password as name from users u where u.account = $1 and u.id <> $2": `"password" looks like a secret`,
		"select u.id, u.name, u.email from users u where u.account = $1 and u.id <> $2":    "must select id, name, and selects id, name, email",
		"select u.id, u.id from users u where u.account = $1 and u.id <> $2":               "must select id, name, and selects id, id",
	} {
		_, problems := lintDirectory("directory/x.sql", []byte(sql), want)
		require.ErrorContains(t, errors.Join(problems...), message, sql)
	}
}

func TestLooksSecret(t *testing.T) {
	for _, name := range []string{
		"password", "passwordHash", "user_password", "PASSWORD2", "secret", "clientSecret", "SecretSHA256", "auth_token",
		"authTokenSealed", "tokens", "hash", "card_hash", "mfa", "mfaEnabled", "mfa_recovery_codes", "totp_seed", "otp", "2fa_code",
		"passwd", "loginPasswd", "passphrase", "passcode", "accesskey", "authkey", "signingkey", "encryptionkey", "pwd", "userPwd", "pass",
		"hashes", "hashed", "bcrypt", "argon2", "argon2_params", "scrypt", "salt", "pw_salt", "2fa", "tfa", "hotp", "pins", "jwt", "bearer", "cvc", "csc",
		"api keys", "api_keys", "api_key2", "api_keys2", "access_key", "auth_key", "signing_key", "encryption_key", "master_key", "sessionKey", "shared_key", "sshKey",
		"security_code", "verificationCode", "backup_codes", "auth_code", "security_answer", "social_security_no", "card_number",
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
