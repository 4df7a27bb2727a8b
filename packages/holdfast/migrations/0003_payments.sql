-- Payments: operations at gateways, webhooks, reconciliations, and the books of the two built-in gateways.
-- The schemas of the built-in gateways (holdfast_sandbox, holdfast_invoices) stand for an outside world: nothing in
-- `holdfast` refers to them, and no transaction of the checkout writes to them.

-- One row per call to a gateway, committed before the call is sent.
create table holdfast.payment_operations (
  checkout_id uuid not null,
  kind text not null check (kind in ('authorize', 'capture', 'void', 'refund')),
  attempt integer not null check (attempt > 0),
  idempotency_key text not null generated always as (checkout_id::text || ':' || kind || ':' || attempt::text) stored,
  gateway text not null,
  amount_minor bigint not null check (amount_minor >= 0),
  currency char(3) not null,
  -- SHA-256 of the request, so that one key is never used for two different requests.
  parameters_hash text not null,
  -- intended: committed, outcome unknown (the call may have taken effect); the other two are definite
  status text not null default 'intended' check (status in ('intended', 'succeeded', 'declined')),
  -- The gateway's id of the payment.
  reference text,
  -- The definite answer, or the latest answer before it.
  answer jsonb,
  -- The purpose, if the kind does not say it: {"reason": …, "lines": […]}
  purpose jsonb,
  intended_at timestamptz not null default now(),
  settled_at timestamptz,
  primary key (checkout_id, kind, attempt),
  check ((status = 'intended') = (settled_at is null)),
  -- A2: together with the primary key, one authorization and one capture per checkout. Voids and refunds can have
  -- several attempts, numbered under the checkout's lock: a new one follows only a definite failure of the last.
  constraint one_authorization_and_one_capture check (attempt = 1 or kind in ('void', 'refund'))
) with (fillfactor = 40);

-- A hash index, because a gateway's id can have any length.
create index payments_by_reference on holdfast.payment_operations using hash (reference) where kind = 'authorize';
create index operations_by_time on holdfast.payment_operations (intended_at, checkout_id);

-- Webhooks are kept until their checkout is known and they were processed.
create table holdfast.webhooks (
  gateway text not null,
  event_id text not null,
  type text not null,
  about text not null default 'payment' check (about in ('payment', 'money_back', 'dispute')),
  -- The checkout that the webhook names, even if no such checkout exists yet.
  named_id uuid,
  -- The checkout that the webhook was matched to.
  checkout_id uuid,
  reference text,
  payload jsonb not null,
  received_at timestamptz not null default now(),
  -- When the webhook is tried next while it is unprocessed. null: given up, no further tries.
  look_at timestamptz default now(),
  looks integer not null default 0,
  -- Why the last try failed.
  last_error text,
  -- When an operator retried the webhook. The three days before it is given up count from here, else from `received_at`.
  retried_at timestamptz,
  handled_at timestamptz,
  primary key (gateway, event_id)
);
create index webhooks_to_process on holdfast.webhooks (about, look_at) where handled_at is null and checkout_id is not null;
create index webhooks_to_match on holdfast.webhooks (look_at) where handled_at is null and checkout_id is null;
-- Webhooks that were given up, in the order in which operators read them: those matched to a checkout first. The normal
-- path of a payment never touches this index.
create index webhooks_given_up on holdfast.webhooks ((checkout_id is null), received_at)
  where handled_at is null and look_at is null;
create index webhooks_to_prune on holdfast.webhooks (handled_at) where handled_at is not null;

-- Comparisons with a gateway's books; the newest are kept. One runs at a time: a process that finds the last one's
-- time used up ends it, and later writes of that run's process match no row.
create table holdfast.reconciliations (
  id uuid primary key,
  gateway text not null,
  hours integer not null check (hours > 0),
  -- true: started by the schedule; false: requested by an operator
  by_itself boolean not null default false,
  started_at timestamptz not null default clock_timestamp(),
  -- When the run counts as dead if its process has not renewed it.
  alive_until timestamptz not null,
  ended_at timestamptz,
  -- Why there is no result.
  failure text,
  payments integer not null default 0,
  checkouts integer not null default 0,
  -- Unresolved differences: how many, how many of these need people at once, and the first thousand.
  difference_count integer not null default 0,
  critical_count integer not null default 0 check (critical_count between 0 and difference_count),
  differences jsonb not null default '[]',
  -- Differences that the run resolved.
  settled jsonb not null default '[]',
  constraint only_ended_runs_have_a_result check (ended_at is not null or (failure is null and difference_count = 0))
);
create unique index one_reconciliation_at_a_time on holdfast.reconciliations ((true)) where ended_at is null;
create index reconciliations_in_order on holdfast.reconciliations (started_at);

-- The books of the invoice gateway: the transfers that buyers were asked for, and the bank's record of money received
-- and sent back.

create schema holdfast_invoices;

create table holdfast_invoices.invoices (
  -- The idempotency key of the authorization that issued the invoice, or that a void fenced before it arrived. One key,
  -- one invoice.
  authorization_key text collate "C" primary key,
  number bigint not null generated always as identity (start with 100001),
  -- The reference that the buyer enters: 'RF', two check digits, the number (ISO 11649). The check digits (ISO 7064,
  -- MOD 97-10) are 98 minus the remainder of (number, then 'RF' as 27 and 15, then 00) divided by 97.
  reference text collate "C" not null unique generated always as (
    'RF' || lpad((98 - mod((number::text || '271500')::numeric, 97))::text, 2, '0') || number::text) stored,
  checkout_id uuid not null,
  -- captured: the money belongs to the shop; voided: cancelled; lapsed: not paid by its due date
  status text not null check (status in ('issued', 'captured', 'voided', 'lapsed')),
  amount_minor bigint not null check (amount_minor >= 0),
  -- 'XXX': voided before the authorization arrived
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  -- Money received less money sent back: the sum of the invoice's statement lines.
  balance_minor bigint not null default 0 check (balance_minor >= 0),
  -- The part of a captured amount that the shop has promised to send back.
  refunded_minor bigint not null default 0,
  -- The key of the one capture.
  capture_key text collate "C" unique,
  due_at timestamptz not null,
  issued_at timestamptz not null default now(),
  unique (reference, currency),
  constraint captures_are_paid check (status <> 'captured' or balance_minor >= amount_minor - refunded_minor),
  constraint captures_have_a_key check ((status = 'captured') = (capture_key is not null)),
  constraint only_captures_are_refunded check (
    refunded_minor between 0 and case status when 'captured' then amount_minor else 0 end)
) with (fillfactor = 50);
create index invoices_open on holdfast_invoices.invoices (number) where status = 'issued';
-- Paid, but not captured yet.
create index invoices_to_announce on holdfast_invoices.invoices (number)
  where status = 'issued' and balance_minor >= amount_minor;
-- Money that belongs to buyers.
create index invoices_to_pay_back on holdfast_invoices.invoices (number)
  where balance_minor > case status when 'captured' then amount_minor - refunded_minor when 'issued' then amount_minor else 0 end;

-- Lines of the bank's statements, each recorded once, with the person who recorded it. Positive amounts were received,
-- negative ones were sent back.
create table holdfast_invoices.statement_lines (
  -- The bank's id of the line.
  id text collate "C" primary key,
  reference text collate "C" not null,
  amount_minor bigint not null check (amount_minor <> 0),
  currency char(3) not null,
  -- When the bank booked the line.
  booked_at timestamptz not null,
  actor text not null check (actor <> ''),
  recorded_at timestamptz not null default now(),
  -- Money in a different currency is never counted.
  foreign key (reference, currency) references holdfast_invoices.invoices (reference, currency)
);
create index statement_lines_of_invoice on holdfast_invoices.statement_lines (reference);

-- One key, one set of parameters, one effect: every refund request, and the reason if it was declined.
create table holdfast_invoices.refunds (
  idempotency_key text collate "C" primary key,
  reference text collate "C" not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency char(3) not null,
  decline_code text,
  at timestamptz not null default now(),
  foreign key (reference, currency) references holdfast_invoices.invoices (reference, currency)
);

-- The ledger of the sandbox gateway.

create schema holdfast_sandbox;

create table holdfast_sandbox.payments (
  -- The reference given to callers: 'sbx_' and the idempotency key of the authorization that created the payment, or
  -- that a void fenced before it arrived. As the primary key, it makes one payment of one authorization key.
  id text collate "C" primary key,
  checkout_id uuid not null,
  -- in_flight: the request is under way and has had no effect; no lookup finds it, but a void can fence it
  status text not null check (status in (
    'in_flight', 'action_required', 'pending', 'authorized', 'captured', 'voided', 'declined')),
  -- null: fenced before the authorization arrived
  method text check (method in ('card', 'paypal', 'bank_transfer')),
  -- The behaviour that the token selects: 'capture_decline', 'void_fails', … Never the token itself.
  behaviour text not null,
  amount_minor bigint not null check (amount_minor >= 0),
  -- 'XXX': fenced before the authorization arrived
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  decline_code text,
  -- Number of voids that will still fail.
  void_failures_left integer not null default 0 check (void_failures_left >= 0),
  return_url text,
  -- The end of the period in which the payment can be captured.
  valid_until timestamptz,
  created_at timestamptz not null default now(),
  -- Disputes that buyers opened at their bank: [{"id", "status", "reason", "amountMinor"}]. The sandbox opens none itself.
  disputes jsonb not null default '[]',
  constraint money_is_within_bounds check (
    0 <= refunded_minor and refunded_minor <= captured_minor and captured_minor <= amount_minor),
  constraint only_captures_have_money check (captured_minor = 0 or status = 'captured'),
  constraint declines_have_a_reason check ((status = 'declined') = (decline_code is not null)),
  constraint authorizations_end check (valid_until is not null or status not in ('authorized', 'captured'))
) with (fillfactor = 50);
create index payments_in_order on holdfast_sandbox.payments (created_at, id);

-- One key, one set of parameters, one effect: every key that had a definite answer or an effect.
create table holdfast_sandbox.requests (
  idempotency_key text collate "C" primary key,
  kind text not null check (kind in ('authorize', 'capture', 'void', 'refund')),
  checkout_id uuid not null,
  payment_id text collate "C" not null,
  -- The requested amount; a void requests none (0 XXX).
  amount_minor bigint not null check (amount_minor >= 0),
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  -- The other parameters: 'card/approve' for an authorization, the order for a capture.
  detail text not null,
  -- The reason for a decline. null: succeeded. The result of an authorization is the status of its payment.
  decline_code text,
  at timestamptz not null default now()
);

-- Delayed effects (`tok_late`, `tok_pending`, bank transfers) and webhooks to send.
create table holdfast_sandbox.jobs (
  id uuid primary key,
  kind text not null check (kind in ('settle', 'webhook')),
  payment_id text collate "C" not null,
  -- The event of a webhook. Empty for a settlement.
  payload jsonb not null,
  due_at timestamptz not null,
  tries integer not null default 0
);
create index jobs_due on holdfast_sandbox.jobs (due_at);
