package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// ActiveCooldown returns the export whose cooldown the account is in, by the
// database's clock, and false if there is none.
func (a *AccountExports) ActiveCooldown(ctx context.Context, account string) (schema.Export, bool, error) {
	var e schema.Export
	err := a.pool.GetContext(ctx, &e, `select `+exportColumns+` from satchel.exports
		where account_sid = $1 and available_again_at > statement_timestamp()
		order by available_again_at desc limit 1`, account)
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Export{}, false, nil
	}
	return e, err == nil, sqlstate.Wrap("read cooldown", err)
}

// RequestWait returns how long the account must wait before it may request another
// export, if it may request limit within the window, or 0.
func (a *AccountExports) RequestWait(ctx context.Context, account string, limit int, window time.Duration) (time.Duration, error) {
	var microseconds int64
	err := a.pool.GetContext(ctx, &microseconds, `select ceil(extract(epoch from requested_at - statement_timestamp()) * 1000000)::bigint + $2
		from satchel.exports where account_sid = $1 and requested_at > statement_timestamp() - $2 * interval '1 microsecond'
		order by requested_at desc, id limit 1 offset $3`, account, window.Microseconds(), limit-1)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return time.Duration(microseconds) * time.Microsecond, sqlstate.Wrap("count requests", err)
}
