package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Configuration reads the account's setting for the daily export of a type. One
// that was never set is disabled.
func (b *BulkExports) Configuration(ctx context.Context, account string, t schema.ResourceType) (schema.BulkConfiguration, error) {
	all, err := b.Configurations(ctx, account)
	for _, c := range all {
		if c.Type == t {
			return c, err
		}
	}
	return schema.BulkConfiguration{Account: account, Type: t}, err
}

// Configurations reads the settings of all types, in the order of types.
func (b *BulkExports) Configurations(ctx context.Context, account string) ([]schema.BulkConfiguration, error) {
	var rows []schema.BulkConfiguration
	err := b.pool.SelectContext(ctx, &rows, `select account_sid, resource_type, enabled, webhook_url, webhook_method
		from satchel.bulk_configurations where account_sid = $1`, account)
	if err != nil {
		return nil, sqlstate.Wrap("read configurations", err)
	}
	all := make([]schema.BulkConfiguration, len(schema.ResourceTypes))
	for i, t := range schema.ResourceTypes {
		all[i] = schema.BulkConfiguration{Account: account, Type: t}
		for _, r := range rows {
			if r.Type == t {
				all[i] = r
			}
		}
	}
	return all, nil
}

// Daily lists the enabled daily exports of all accounts, in order, after the
// account and type of the given one.
func (b *BulkExports) Daily(ctx context.Context, after schema.BulkConfiguration, limit int) ([]schema.BulkConfiguration, error) {
	list := []schema.BulkConfiguration{}
	err := b.pool.SelectContext(ctx, &list, `select account_sid, resource_type, enabled, webhook_url, webhook_method
		from satchel.bulk_configurations where enabled and (account_sid, resource_type) > ($1, $2)
		order by account_sid, resource_type limit $3`, after.Account, after.Type, limit)
	return list, sqlstate.Wrap("read daily exports", err)
}

// Configure applies a change, with an audit row if it makes a difference, and
// returns the whole setting. A URL without a method, or the other way round, is
// Invalid and changes nothing.
func (b *BulkExports) Configure(ctx context.Context, account string, t schema.ResourceType, by string, c schema.BulkChange) (schema.BulkConfiguration, error) {
	var now schema.BulkConfiguration
	err := b.inTx(ctx, "configure daily export", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `insert into satchel.bulk_configurations (account_sid, resource_type)
			values ($1, $2) on conflict do nothing`, account, t); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &now, `select account_sid, resource_type, enabled, webhook_url, webhook_method
			from satchel.bulk_configurations where account_sid = $1 and resource_type = $2 for update`, account, t); err != nil {
			return err
		}
		before := now
		assign(&now.Enabled, c.Enabled)
		assign(&now.URL, c.URL)
		assign(&now.Method, c.Method)
		if (now.URL == "") != (now.Method == "") {
			return schema.Errorf(schema.Invalid, schema.CodeHalfWebhook, "WebhookUrl and WebhookMethod go together: set both, or neither.")
		}
		if now == before {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `update satchel.bulk_configurations
			set enabled = $3, webhook_url = $4, webhook_method = $5, changed_at = clock_timestamp()
			where account_sid = $1 and resource_type = $2`, account, t, now.Enabled, now.URL, now.Method); err != nil {
			return err
		}
		return audit(ctx, tx, Event{
			Account: account, Subject: string(t), Actor: actor(by), Action: Configured,
			Details: map[string]bool{"enabled": now.Enabled, "webhook": now.URL != "", "webhookChanged": now.Hook != before.Hook},
		})
	})
	if err != nil {
		return schema.BulkConfiguration{}, err
	}
	return now, nil
}

// NoteSeen records whether the source database shows the account of a daily
// export, and returns for how long it has not.
func (b *BulkExports) NoteSeen(ctx context.Context, account string, t schema.ResourceType, visible bool) (time.Duration, error) {
	var microseconds int64
	err := b.pool.GetContext(ctx, &microseconds, `update satchel.bulk_configurations
		set unseen_since = case when $3 then null else coalesce(unseen_since, clock_timestamp()) end
		where account_sid = $1 and resource_type = $2 and (unseen_since is not null or not $3)
		returning coalesce(extract(epoch from clock_timestamp() - unseen_since) * 1000000, 0)::bigint`, account, t, visible)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return time.Duration(microseconds) * time.Microsecond, sqlstate.Wrap("record whether an account is visible", err)
}

func assign[T any](value, change *T) {
	if change != nil {
		*value = *change
	}
}
