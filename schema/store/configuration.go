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

// Configuration reads what the account wants to happen to a type every day.
// Where it never said, that is nothing.
func (s *Store) Configuration(ctx context.Context, account string, t schema.ResourceType) (schema.BulkConfiguration, error) {
	all, err := s.Configurations(ctx, account)
	for _, c := range all {
		if c.Type == t {
			return c, err
		}
	}
	return schema.BulkConfiguration{Account: account, Type: t}, err
}

// Configurations reads it of all types, in their order.
func (s *Store) Configurations(ctx context.Context, account string) ([]schema.BulkConfiguration, error) {
	var rows []schema.BulkConfiguration
	err := s.db.SelectContext(ctx, &rows, `select account_sid, resource_type, enabled, webhook_url, webhook_method
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

// Daily lists what is exported every day, of all accounts, in order, behind the
// account and type of after.
func (s *Store) Daily(ctx context.Context, after schema.BulkConfiguration, limit int) ([]schema.BulkConfiguration, error) {
	list := []schema.BulkConfiguration{}
	err := s.db.SelectContext(ctx, &list, `select account_sid, resource_type, enabled, webhook_url, webhook_method
		from satchel.bulk_configurations where enabled and (account_sid, resource_type) > ($1, $2)
		order by account_sid, resource_type limit $3`, after.Account, after.Type, limit)
	return list, sqlstate.Wrap("read daily exports", err)
}

// Configure changes what c names and answers the whole, with an audit row where
// it was not so before. Half a webhook is Invalid, and changes nothing.
func (s *Store) Configure(ctx context.Context, account string, t schema.ResourceType, by string, c schema.BulkChange) (schema.BulkConfiguration, error) {
	var now schema.BulkConfiguration
	err := s.inTx(ctx, "configure daily export", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `insert into satchel.bulk_configurations (account_sid, resource_type)
			values ($1, $2) on conflict do nothing`, account, t); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &now, `select account_sid, resource_type, enabled, webhook_url, webhook_method
			from satchel.bulk_configurations where account_sid = $1 and resource_type = $2 for update`, account, t); err != nil {
			return err
		}
		before := now
		set(&now.Enabled, c.Enabled)
		set(&now.URL, c.URL)
		set(&now.Method, c.Method)
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

// NoteSeen notes whether the platform shows the account of a daily export, and
// answers for how long it has not.
func (s *Store) NoteSeen(ctx context.Context, account string, t schema.ResourceType, seen bool) (time.Duration, error) {
	var microseconds int64
	err := s.db.GetContext(ctx, &microseconds, `update satchel.bulk_configurations
		set unseen_since = case when $3 then null else coalesce(unseen_since, clock_timestamp()) end
		where account_sid = $1 and resource_type = $2 and (unseen_since is not null or not $3)
		returning coalesce(extract(epoch from clock_timestamp() - unseen_since) * 1000000, 0)::bigint`, account, t, seen)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return time.Duration(microseconds) * time.Microsecond, sqlstate.Wrap("note whether an account is seen", err)
}

func set[T any](value, change *T) {
	if change != nil {
		*value = *change
	}
}
