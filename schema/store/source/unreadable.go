package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// wrap is sqlstate.WrapContext. Where the stall limit has ended ctx, that is the error.
// Where a permission is missing, or row security would hide rows, it names the object.
func wrap(ctx context.Context, pool *sqlx.DB, op string, err error) error {
	if cause := context.Cause(ctx); err != nil && schema.KindOf(cause) != "" {
		return fmt.Errorf("%s: %w", op, cause)
	}
	wrapped := sqlstate.WrapContext(ctx, op, err)
	returned, ok := errors.AsType[*sqlstate.Error](wrapped)
	if !ok || returned.Code != sqlstate.InsufficientPrivilege || returned.Object != "" {
		return wrapped
	}
	if raw, ok := errors.AsType[*pq.Error](err); ok {
		returned.Object = deniedObject(ctx, pool, raw.Message, returned.RowSecurity)
	}
	return wrapped
}

func (db *DB) wrap(ctx context.Context, op string, err error) error {
	return wrap(ctx, db.pool, op, err)
}

// deniedObject returns the object that a message in any language is about, such as
// "table platform.calls": of those whose names are among its words and that the role may
// not use, or may not see whole, the one that is named last. Every reader lacks the
// permission to delete, so a table is named for either. Its schema is left out
// where several have one of that name. It is "" if there is none.
// Nothing else of the message is used.
func deniedObject(ctx context.Context, pool *sqlx.DB, message string, rowSecurity bool) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var object string
	err := pool.GetContext(ctx, &object, `
		with denied(kind, schema, name) as (
			select case c.relkind when 'v' then 'view' when 'm' then 'view' else 'table' end, n.nspname, c.relname
			from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			where c.relname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') and case when $2
				then pg_catalog.row_security_active(c.oid)
				else not pg_catalog.has_schema_privilege(n.oid, 'usage') or not pg_catalog.has_table_privilege(c.oid, 'select')
					or not pg_catalog.has_table_privilege(c.oid, 'delete') end
			union all select 'schema', null, n.nspname from pg_catalog.pg_namespace n
			where not $2 and n.nspname = any ($1) and not pg_catalog.has_schema_privilege(n.oid, 'usage')
			union all select 'function', n.nspname, p.proname
			from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
			where not $2 and p.proname = any ($1) and not pg_catalog.has_function_privilege(p.oid, 'execute')
		)
		select pg_catalog.concat(kind, ' ',
			case when min(schema) over same = max(schema) over same then pg_catalog.quote_ident(schema) || '.' end, pg_catalog.quote_ident(name))
		from denied window same as (partition by name)
		order by pg_catalog.array_position($1, name::text) desc limit 1`, pq.StringArray(words(message)), rowSecurity)
	if err != nil {
		return "" // the error says enough without it
	}
	return object
}

// words returns the words of a text: those of letters of any script, and then those of
// ASCII letters, since some languages put no space around a name.
func words(text string) []string {
	isOther := func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '$' }
	return append(strings.FieldsFunc(text, isOther), strings.FieldsFunc(text, func(c rune) bool { return c > unicode.MaxASCII || isOther(c) })...)
}

// unreadable turns an error that every further attempt would meet as well into one of
// kind schema.Unreadable. Its message names what was read, the SQLSTATE and the table;
// the key of the record is in its cause, which is only logged.
func unreadable(what string, err error) error {
	var reason string
	returned, ok := errors.AsType[*sqlstate.Error](err)
	switch {
	case schema.KindOf(err) != "":
		return err
	case ok && returned.IsFinal():
		reason = returned.Condition()
	case errors.Is(err, errInvalidKey):
		reason = errInvalidKey.Error()
	case errors.Is(err, errTooLarge):
		reason = errTooLarge.Error()
	case errors.Is(err, errColumns):
		reason = errColumns.Error()
	case isUnusableKey(err):
		reason = "its _key has no order"
	case errors.Is(err, errEncoding):
		reason = errEncoding.Error()
	default:
		return err
	}
	return &schema.Error{
		Kind: schema.Unreadable, Code: schema.CodeUnreadable, Cause: err,
		Message: fmt.Sprintf("The %s cannot be read: %s", what, reason),
	}
}
