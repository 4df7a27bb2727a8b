-- The sandbox gateway's own ledger: an outside world that happens to live in the same database.
-- Nothing in `holdfast` refers to it, and it never takes part in a transaction of ours.

create schema holdfast_sandbox;

create table holdfast_sandbox.payments (
  -- The reference callers get: 'sbx_' and the idempotency key of the authorization that made it, or that a void
  -- fenced before it came. One authorization key is one payment because this is the primary key.
  id text collate "C" primary key,
  checkout_id uuid not null,
  -- in_flight: the request is on its way and has had no effect yet; nobody can look it up, a void can fence it.
  status text not null check (status in (
    'in_flight', 'action_required', 'pending', 'authorized', 'captured', 'voided', 'declined')),
  -- null: fenced before it came
  method text check (method in ('card', 'paypal', 'bank_transfer')),
  -- What the token asked for: 'capture_decline', 'void_fails' … Never the token.
  behaviour text not null,
  amount_minor bigint not null check (amount_minor >= 0),
  -- 'XXX': fenced before it came
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  decline_code text,
  -- How many voids still fail.
  void_failures_left integer not null default 0 check (void_failures_left >= 0),
  return_url text,
  -- Until when it can be captured.
  valid_until timestamptz,
  created_at timestamptz not null default now(),
  constraint money_is_within_bounds check (
    0 <= refunded_minor and refunded_minor <= captured_minor and captured_minor <= amount_minor),
  constraint only_captures_have_money check (captured_minor = 0 or status = 'captured'),
  constraint declines_have_a_reason check ((status = 'declined') = (decline_code is not null)),
  constraint authorizations_end check (valid_until is not null or status not in ('authorized', 'captured'))
) with (fillfactor = 50);

-- One key, one set of parameters, one effect: every key that was answered for certain or had an effect.
create table holdfast_sandbox.requests (
  idempotency_key text collate "C" primary key,
  kind text not null check (kind in ('authorize', 'capture', 'void', 'refund')),
  checkout_id uuid not null,
  payment_id text collate "C" not null,
  -- As asked for; a void asks for none (0 XXX).
  amount_minor bigint not null check (amount_minor >= 0),
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  -- The other parameters: 'card/approve' of an authorization, the order of a capture.
  detail text not null,
  -- Why it was declined; null: it succeeded. What became of an authorization is its payment's status.
  decline_code text,
  at timestamptz not null default now()
);

-- Effects that happen later (`tok_late`, `tok_pending`, bank transfers) and webhooks to send.
create table holdfast_sandbox.jobs (
  id uuid primary key,
  kind text not null check (kind in ('settle', 'webhook')),
  payment_id text collate "C" not null,
  -- A webhook's event; settling needs none.
  payload jsonb not null,
  due_at timestamptz not null,
  tries integer not null default 0
);
create index jobs_due on holdfast_sandbox.jobs (due_at);
