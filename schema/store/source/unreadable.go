package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// wrap is sqlstate.WrapContext. Where a permission is missing, or row security would
// hide rows, the error names the table.
func (db *DB) wrap(ctx context.Context, op string, err error) error {
	wrapped := sqlstate.WrapContext(ctx, op, err)
	returned, ok := errors.AsType[*sqlstate.Error](wrapped)
	if !ok || returned.Code != sqlstate.InsufficientPrivilege || returned.Table != "" {
		return wrapped
	}
	if raw, ok := errors.AsType[*pq.Error](err); ok {
		returned.Table = db.deniedTable(ctx, raw.Message)
	}
	return wrapped
}

// deniedTable returns the table that a message in any language speaks of: the one that
// the role may not read, of those whose names are among its words. It is "" if there is
// none. Nothing else of the message is used.
func (db *DB) deniedTable(ctx context.Context, message string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	words := strings.FieldsFunc(message, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '$' })
	var table string
	err := db.pool.GetContext(ctx, &table, `
		select pg_catalog.format('%I.%I', n.nspname, c.relname)
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where c.relname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'f')
			and (not pg_catalog.has_table_privilege(c.oid, 'select')
				or not pg_catalog.has_schema_privilege(n.oid, 'usage')
				or pg_catalog.row_security_active(c.oid))
		order by n.nspname in ('pg_catalog', 'information_schema'), c.oid desc limit 1`, pq.StringArray(words))
	if err != nil {
		return "" // the error without a name says enough
	}
	return table
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
