-- Webhooks are kept until their checkout is known and could be looked at, payments are found by the gateway's id, and
-- what the comparison with the gateway's own books found is stored.

alter table holdfast.webhooks
  add column about text not null default 'payment' check (about in ('payment', 'money_back', 'dispute')),
  -- The checkout it names, whether or not there is one by that id yet; `checkout_id` is the one it was found to speak of.
  add column named_id uuid,
  -- When it is looked at again while it is not handled; null: nobody looks any more.
  add column look_at timestamptz default now(),
  add column looks integer not null default 0;

drop index holdfast.webhooks_to_handle;
create index webhooks_to_heed on holdfast.webhooks (about, look_at) where handled_at is null and checkout_id is not null;
create index webhooks_to_match on holdfast.webhooks (look_at) where handled_at is null and checkout_id is null;

-- An id of a gateway may be of any length.
create index payments_by_reference on holdfast.payment_operations using hash (reference) where kind = 'authorize';
create index operations_by_time on holdfast.payment_operations (intended_at, checkout_id);

-- Comparisons with the gateway's books, the newest kept. One runs at a time: whoever finds the last one's time used up
-- ends it, and what its process then writes matches no row.
create table holdfast.reconciliations (
  id uuid primary key,
  gateway text not null,
  hours integer not null check (hours > 0),
  -- Not asked for by anybody: its time had come.
  by_itself boolean not null default false,
  started_at timestamptz not null default clock_timestamp(),
  -- Until when its process may be silent.
  alive_until timestamptz not null,
  ended_at timestamptz,
  -- Why there is no result.
  failure text,
  payments integer not null default 0,
  checkouts integer not null default 0,
  -- What stands: how many, how many of these need people at once, and the first thousand.
  difference_count integer not null default 0,
  critical_count integer not null default 0 check (critical_count between 0 and difference_count),
  differences jsonb not null default '[]',
  -- What the run has put right.
  settled jsonb not null default '[]',
  constraint only_what_ended_has_a_result check (ended_at is not null or (failure is null and difference_count = 0))
);
create unique index one_reconciliation_at_a_time on holdfast.reconciliations ((true)) where ended_at is null;
create index reconciliations_in_order on holdfast.reconciliations (started_at);

-- What buyers contested at their bank: [{"id", "status", "reason", "amountMinor"}]. The sandbox makes none by itself.
alter table holdfast_sandbox.payments add column disputes jsonb not null default '[]';
create index payments_in_order on holdfast_sandbox.payments (created_at, id);
