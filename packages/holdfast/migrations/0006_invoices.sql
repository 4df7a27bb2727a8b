-- The invoice gateway's own books: what buyers were asked to transfer, what the bank says came in and went out.
-- Nothing in `holdfast` refers to them, and they never take part in a transaction of ours.

create schema holdfast_invoices;

create table holdfast_invoices.invoices (
  -- The idempotency key of the authorization that issued it, or that a void fenced before it came: one key, one invoice.
  authorization_key text collate "C" primary key,
  number bigint not null generated always as identity (start with 100001),
  -- What the buyer types: 'RF', two check digits, the number (ISO 11649). The check digits (ISO 7064, MOD 97-10) are
  -- 98 less the rest of number, 'RF' as 27 and 15, and 00, divided by 97.
  reference text collate "C" not null unique generated always as (
    'RF' || lpad((98 - mod((number::text || '271500')::numeric, 97))::text, 2, '0') || number::text) stored,
  checkout_id uuid not null,
  -- captured: the money is the shop's; voided: given up; lapsed: not paid when it was due.
  status text not null check (status in ('issued', 'captured', 'voided', 'lapsed')),
  amount_minor bigint not null check (amount_minor >= 0),
  -- 'XXX': voided before it came
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  -- What came in less what was sent back: the sum of its statement lines.
  balance_minor bigint not null default 0 check (balance_minor >= 0),
  -- What the shop has promised to send back of a captured amount.
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
-- Paid, and nobody has captured it yet.
create index invoices_to_tell on holdfast_invoices.invoices (number) where status = 'issued' and balance_minor >= amount_minor;
-- Money that is the buyers'.
create index invoices_to_pay_back on holdfast_invoices.invoices (number)
  where balance_minor > case status when 'captured' then amount_minor - refunded_minor when 'issued' then amount_minor else 0 end;

-- Lines of the bank's statements, each once: above 0 came in, below went back. Also the record of who said so.
create table holdfast_invoices.statement_lines (
  -- The bank's id of the line.
  id text collate "C" primary key,
  reference text collate "C" not null,
  amount_minor bigint not null check (amount_minor <> 0),
  currency char(3) not null,
  -- When the bank booked it.
  booked_at timestamptz not null,
  actor text not null check (actor <> ''),
  recorded_at timestamptz not null default now(),
  -- Money of another currency is never counted.
  foreign key (reference, currency) references holdfast_invoices.invoices (reference, currency)
);
create index statement_lines_of_invoice on holdfast_invoices.statement_lines (reference);

-- One key, one set of parameters, one effect: every refund that was asked for, and why it was declined, if it was.
create table holdfast_invoices.refunds (
  idempotency_key text collate "C" primary key,
  reference text collate "C" not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency char(3) not null,
  decline_code text,
  at timestamptz not null default now(),
  foreign key (reference, currency) references holdfast_invoices.invoices (reference, currency)
);
