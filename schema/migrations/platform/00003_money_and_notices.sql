-- Charges, the movements of an account's balance, and the notifications that its
-- people were sent.

-- +goose Up
create table platform.charges (
    id                    bigint generated always as identity primary key,
    sid                   text not null unique,
    account_sid           text not null references platform.accounts (sid),
    description           text not null,
    category              text not null,
    resource_sid          text,                   -- the call, number or message that was charged
    quantity              numeric not null default 1,
    unit                  text not null default 'unit',
    unit_price            numeric not null,
    amount                numeric not null,
    tax                   numeric(14, 5) not null default 0,
    currency              text not null default 'USD',
    period_start          date,
    period_end            date,
    invoice_number        text,
    status                text not null default 'open' check (status in ('open', 'paid', 'refunded', 'void')),
    card_brand            text,
    card_last4            text,
    charged_at            timestamptz not null default now(),
    created_at            timestamptz not null default now(),
    payment_method_token  text,                   -- charges the card again at the processor
    processor_response    jsonb,
    wholesale_amount      numeric                 -- what it cost us
);
create index charges_account on platform.charges (account_sid, id);

create table platform.balance_transactions (
    id             bigint generated always as identity primary key,
    sid            text not null unique,
    account_sid    text not null references platform.accounts (sid),
    kind           text not null check (kind in ('top-up', 'charge', 'refund', 'adjustment', 'promotion')),
    amount         numeric not null,
    balance_after  numeric not null,
    currency       text not null default 'USD',
    charge_sid     text,
    description    text,
    reference      text,
    created_by     text,
    created_at     timestamptz not null default now(),
    ledger_entry   uuid                           -- in our books
);
create index balance_transactions_account on platform.balance_transactions (account_sid, id);

create table platform.notifications (
    id                bigint generated always as identity primary key,
    sid               text not null unique,
    account_sid       text not null references platform.accounts (sid),
    user_sid          text,
    channel           text not null check (channel in ('email', 'sms', 'push', 'in-app')),
    kind              text not null,
    destination       text,
    subject           text,
    body              text not null,
    data              jsonb,
    severity          smallint not null default 0,
    sent_at           timestamptz,
    read_at           timestamptz,
    created_at        timestamptz not null default now(),
    push_device_token text,
    provider_ref      text                        -- of the message at the carrier
);
create index notifications_account on platform.notifications (account_sid, id);
