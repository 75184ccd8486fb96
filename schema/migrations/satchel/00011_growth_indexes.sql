-- What a page, a request or a sweep reads must not grow with the history of others. These indexes serve the audit trail
-- of an account and of a person, the cooldown of an account with many exports, exports whose time is over, and quotas
-- of past days; and they let the sweep page through jobs that have not ended. They are built concurrently, so that a large database can be used meanwhile; what an earlier attempt
-- left behind is dropped first.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists satchel.audit_of_account;
create index concurrently audit_of_account on satchel.audit (account_sid, at);
drop index concurrently if exists satchel.audit_of_actor;
create index concurrently audit_of_actor on satchel.audit (actor, at);
drop index concurrently if exists satchel.exports_cooldown;
create index concurrently exports_cooldown on satchel.exports (account_sid, available_again_at) where available_again_at is not null;
drop index concurrently if exists satchel.exports_unconfirmed;
create index concurrently exports_unconfirmed on satchel.exports (confirm_by) where status = 'pending';
drop index concurrently if exists satchel.exports_expiring;
create index concurrently exports_expiring on satchel.exports (expires_at) where status = 'completed';
drop index concurrently if exists satchel.bulk_quota_of_day;
create index concurrently bulk_quota_of_day on satchel.bulk_quota (day);
drop index concurrently if exists satchel.bulk_configurations_off;
create index concurrently bulk_configurations_off on satchel.bulk_configurations (changed_at) where not enabled;
drop index concurrently if exists satchel.bulk_configurations_on;
create index concurrently bulk_configurations_on on satchel.bulk_configurations (account_sid, resource_type) where enabled;
drop index concurrently if exists satchel.jobs_unended_by_id;
create index concurrently jobs_unended_by_id on satchel.jobs (id) where ended_at is null;

-- +goose Down
drop index concurrently if exists satchel.jobs_unended_by_id;
drop index concurrently if exists satchel.audit_of_account;
drop index concurrently if exists satchel.audit_of_actor;
drop index concurrently if exists satchel.exports_cooldown;
drop index concurrently if exists satchel.exports_unconfirmed;
drop index concurrently if exists satchel.exports_expiring;
drop index concurrently if exists satchel.bulk_quota_of_day;
drop index concurrently if exists satchel.bulk_configurations_off;
drop index concurrently if exists satchel.bulk_configurations_on;
