package store

import (
	"context"

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

// Configure changes what c names and answers the whole. Half a webhook is
// Invalid, and changes nothing.
func (s *Store) Configure(ctx context.Context, account string, t schema.ResourceType, c schema.BulkChange) (schema.BulkConfiguration, error) {
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
		set(&now.Enabled, c.Enabled)
		set(&now.URL, c.URL)
		set(&now.Method, c.Method)
		if (now.URL == "") != (now.Method == "") {
			return schema.Errorf(schema.Invalid, "half_webhook", "WebhookUrl and WebhookMethod go together: set both, or neither.")
		}
		_, err := tx.ExecContext(ctx, `update satchel.bulk_configurations
			set enabled = $3, webhook_url = $4, webhook_method = $5, changed_at = clock_timestamp()
			where account_sid = $1 and resource_type = $2`, account, t, now.Enabled, now.URL, now.Method)
		return err
	})
	if err != nil {
		return schema.BulkConfiguration{}, err
	}
	return now, nil
}

func set[T any](value, change *T) {
	if change != nil {
		*value = *change
	}
}
