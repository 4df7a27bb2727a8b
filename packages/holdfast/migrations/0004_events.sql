-- The outbox: events, written in the transaction of the change that they report, and their deliveries to listeners.

-- Lifecycle events are always stored. PhaseCompleted and RollbackStepCompleted are stored only if a durable listener
-- wants them, because `transitions` already records them. The key leads with the checkout to keep its events together.
create table holdfast.events (
  id uuid not null,
  checkout_id uuid not null,
  type text not null,
  -- {lock, …}. Orders are named by id ("orderId") and read at delivery.
  payload jsonb not null,
  created_at timestamptz not null default now(),
  primary key (checkout_id, id)
);

-- One row per event and durable listener that the publishing process knows.
create table holdfast.deliveries (
  event_id uuid not null,
  listener text not null,
  checkout_id uuid not null,
  type text not null,
  -- Assigned while the checkout's row is locked: within a checkout it is the commit order, independent of clocks.
  position bigint not null generated always as identity,
  state text not null default 'due' check (state in ('due', 'delivered', 'parked')),
  -- A worker holds the delivery, until `next_at` at the latest.
  leased boolean not null default false,
  attempts integer not null default 0,
  -- The earliest time of the next attempt, or the end of the worker's lease.
  next_at timestamptz not null default now(),
  -- Fencing token: raised by every lease, result, and operator action. A result names the epoch that it belongs to.
  epoch integer not null default 0,
  last_error text,
  delivered_at timestamptz,
  primary key (event_id, listener),
  constraint delivered_is_dated check ((state = 'delivered') = (delivered_at is not null)),
  constraint only_due_is_leased check (state = 'due' or not leased)
) with (fillfactor = 70);
create index deliveries_due on holdfast.deliveries (listener, next_at, position) where state = 'due';
create index deliveries_in_order on holdfast.deliveries (checkout_id, listener, position) where state = 'due';
create index deliveries_parked on holdfast.deliveries (position) where state = 'parked';
