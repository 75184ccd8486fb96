package store

import (
	"context"
	"database/sql"
	"errors"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// ActiveCooldown returns the export whose cooldown the account is in, by the
// database's clock, and false if there is none.
func (a *AccountExports) ActiveCooldown(ctx context.Context, account string) (schema.Export, bool, error) {
	var e schema.Export
	err := a.pool.GetContext(ctx, &e, `select `+exportColumns+` from satchel.exports
		where account_sid = $1 and available_again_at > clock_timestamp()
		order by available_again_at desc limit 1`, account)
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Export{}, false, nil
	}
	return e, err == nil, sqlstate.Wrap("read cooldown", err)
}
