-- The checkout: locks, snapshots, holds, payment operations, orders, history, events.
-- Rows below a checkout are written only by its steps, in the transaction that holds the checkout's row; they carry
-- no foreign keys (a check a row on the hottest path) and `holdfast audit` looks for strays instead.

create table holdfast.checkouts (
  id uuid primary key,
  cart_id uuid not null,
  session_id text not null,
  user_id text,
  state text not null check (state in (
    'pending', 'authorizing', 'awaiting_action', 'capturing', 'awaiting_capture', 'rolling_back', 'completed', 'failed')),
  -- The cart is this checkout's: while it is active, and for ever once it completed.
  holds_cart boolean not null default true,
  -- Number of the last transition; with `epoch` it tells a writer whether anything happened meanwhile.
  version integer not null default 1,
  -- Fencing: whoever takes the lease raises it, and every write names it.
  epoch integer not null default 0,
  lease_owner text,
  -- When somebody looks at it again: end of the lease, next question to the gateway, or expiry (A11).
  wake_at timestamptz,
  -- Consecutive visits that changed nothing; drives backoff and the alert.
  tries integer not null default 0,
  locked_at timestamptz not null default now(),
  expires_at timestamptz not null,
  completed_at timestamptz,
  failed_at timestamptz,
  failure jsonb,
  metadata jsonb not null default '{}',
  -- Known from the price lock on.
  currency char(3),
  total_minor bigint check (total_minor >= 0),
  gateway text,
  -- {method, email, shippingAddress, billingAddress, shippingMethod, notes, returnUrl, captureLater}
  details jsonb,
  -- The payment token, encrypted; gone as soon as the authorization is settled.
  sealed_token text,
  -- What the buyer must do while `awaiting_action`.
  action jsonb,
  -- Until when the authorization can be captured, as the gateway says.
  authorization_valid_until timestamptz,
  constraint ended_is_dated check (
    (state = 'completed') = (completed_at is not null) and (state = 'failed') = (failed_at is not null and failure is not null)),
  constraint somebody_looks_again check (state in ('completed', 'failed') or wake_at is not null),
  constraint failed_lets_go_of_the_cart check (not (state = 'failed' and holds_cart)),
  constraint prices_are_locked check (state in ('pending', 'failed') or (total_minor is not null and currency is not null))
) with (fillfactor = 50);

-- A1: one active checkout a cart, and none beside one that completed.
create unique index one_checkout_a_cart on holdfast.checkouts (cart_id) where holds_cart;
create index checkouts_to_wake on holdfast.checkouts (wake_at) where wake_at is not null;

-- line_no 0 is the cart; lines count from 1.
create table holdfast.price_snapshots (
  checkout_id uuid not null,
  line_no integer not null check (line_no >= 0),
  variant_id uuid,
  sku text,
  title text,
  quantity integer check (quantity > 0),
  currency char(3) not null,
  unit_minor bigint,
  subtotal_minor bigint not null check (subtotal_minor >= 0),
  discount_minor bigint not null check (discount_minor between 0 and subtotal_minor),
  -- All tax in it; `added_tax_minor` is the part not contained in the prices.
  tax_minor bigint not null check (tax_minor >= 0),
  added_tax_minor bigint not null check (added_tax_minor between 0 and tax_minor),
  shipping_minor bigint not null default 0 check (shipping_minor >= 0),
  total_minor bigint not null,
  -- cart: coupon, taxes, shipping method, base currency and exchange rate; line: tax rate and class
  details jsonb not null,
  created_at timestamptz not null default now(),
  primary key (checkout_id, line_no),
  check ((line_no = 0) = (variant_id is null)),
  constraint snapshot_adds_up check (total_minor = subtotal_minor - discount_minor + added_tax_minor + shipping_minor)
);

create table holdfast.stock_reservations (
  checkout_id uuid not null,
  line_no integer not null,
  -- One line may be served from several locations.
  part_no integer not null,
  variant_id uuid not null,
  -- null: back-ordered, held nowhere
  location_id uuid,
  quantity bigint not null check (quantity > 0),
  state text not null check (state in ('held', 'firm', 'committed', 'released')),
  primary key (checkout_id, line_no, part_no)
) with (fillfactor = 50);

create table holdfast.coupon_claims (
  checkout_id uuid primary key,
  coupon_id uuid not null,
  -- 'user:…' or 'email:…' or 'session:…', whom the per-customer limit counts
  customer text not null,
  state text not null check (state in ('held', 'redeemed', 'released'))
);
create index coupon_claims_by_customer on holdfast.coupon_claims (coupon_id, customer) where state <> 'released';

create table holdfast.payment_operations (
  checkout_id uuid not null,
  kind text not null check (kind in ('authorize', 'capture', 'void', 'refund')),
  attempt integer not null check (attempt > 0),
  idempotency_key text not null generated always as (checkout_id::text || ':' || kind || ':' || attempt::text) stored,
  gateway text not null,
  amount_minor bigint not null check (amount_minor >= 0),
  currency char(3) not null,
  -- SHA-256 of what is asked, so that a key is never used for two things
  parameters_hash text not null,
  -- intended: committed, not settled (it may have happened); the others are definite
  status text not null default 'intended' check (status in ('intended', 'succeeded', 'declined')),
  -- The gateway's id of the payment.
  reference text,
  -- The definite answer, or the last one on the way to it.
  answer jsonb,
  -- What it is for where the kind does not say it: {"reason": …, "lines": […]}
  purpose jsonb,
  intended_at timestamptz not null default now(),
  settled_at timestamptz,
  primary key (checkout_id, kind, attempt),
  check ((status = 'intended') = (settled_at is null)),
  -- A2: with the primary key, authorized once and captured once. Voids and refunds have attempts, numbered under the
  -- checkout's lock: a new one follows only a definite failure of the last.
  constraint money_is_asked_for_once check (attempt = 1 or kind in ('void', 'refund'))
) with (fillfactor = 40);
create sequence holdfast.order_numbers start 100001;

create table holdfast.orders (
  id uuid primary key,
  number bigint not null default nextval('holdfast.order_numbers'),
  checkout_id uuid not null unique,
  session_id text not null,
  user_id text,
  email text,
  status text not null check (status in ('pending', 'paid', 'cancelled', 'partially_refunded', 'refunded')),
  currency char(3) not null,
  subtotal_minor bigint not null,
  discount_minor bigint not null,
  tax_minor bigint not null,
  shipping_minor bigint not null,
  total_minor bigint not null check (total_minor >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor between 0 and total_minor),
  coupon_code text,
  shipping_address jsonb,
  billing_address jsonb,
  shipping_method text,
  notes text,
  -- {"payment": …}, what the gateway said of the capture
  metadata jsonb not null default '{}',
  placed_at timestamptz not null default now(),
  paid_at timestamptz,
  cancelled_at timestamptz,
  check ((status = 'cancelled') = (cancelled_at is not null)),
  check (status in ('pending', 'cancelled') or paid_at is not null)
) with (fillfactor = 50);

create table holdfast.order_lines (
  order_id uuid not null,
  line_no integer not null,
  variant_id uuid not null,
  sku text not null,
  title text not null,
  quantity integer not null check (quantity > 0),
  unit_minor bigint not null,
  subtotal_minor bigint not null,
  discount_minor bigint not null,
  tax_minor bigint not null,
  total_minor bigint not null,
  primary key (order_id, line_no)
);

-- History: A7. `from_state` is null for the first.
create table holdfast.transitions (
  checkout_id uuid not null,
  version integer not null check (version > 0),
  from_state text,
  to_state text not null,
  epoch integer not null,
  at timestamptz not null default clock_timestamp(),
  -- How long the work of this transition took, for states passed inside a transaction: of the whole set.
  duration_us integer,
  details jsonb,
  primary key (checkout_id, version),
  constraint edge_is_legal check (coalesce(from_state, 'start') || '>' || to_state in (
    'start>pending',
    'pending>validating', 'pending>failed',
    'validating>reserving', 'validating>failed',
    'reserving>locking_prices', 'reserving>failed',
    'locking_prices>authorizing', 'locking_prices>failed',
    'authorizing>creating_order', 'authorizing>awaiting_action', 'authorizing>rolling_back',
    'awaiting_action>authorizing', 'awaiting_action>rolling_back',
    'creating_order>capturing', 'creating_order>awaiting_capture',
    'awaiting_capture>capturing', 'awaiting_capture>rolling_back',
    'capturing>committing', 'capturing>rolling_back',
    'committing>completed',
    'rolling_back>failed'))
);

-- The outbox. Lifecycle events are always rows; PhaseCompleted and RollbackStepCompleted only when somebody listens
-- durably, for the history holds them already. The key leads with the checkout, so that its events are found together.
create table holdfast.events (
  id uuid not null,
  checkout_id uuid not null,
  type text not null,
  -- {lock, …}; an order is named by its id ("orderId") and read when the event is delivered.
  payload jsonb not null,
  created_at timestamptz not null default now(),
  primary key (checkout_id, id)
);

-- One row an event and durable listener known to the process that published it.
create table holdfast.deliveries (
  event_id uuid not null,
  listener text not null,
  checkout_id uuid not null,
  type text not null,
  -- Given out while the checkout's row is locked: within a checkout it is the order of the commits, whatever the clocks.
  position bigint not null generated always as identity,
  state text not null default 'due' check (state in ('due', 'delivered', 'parked')),
  -- A runner has it, until `next_at` at the latest.
  leased boolean not null default false,
  attempts integer not null default 0,
  -- When it may be tried (again), or until when its runner has it.
  next_at timestamptz not null default now(),
  -- Fencing: every claim, result and intervention raises it, and a result names it.
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

create table holdfast.webhooks (
  gateway text not null,
  event_id text not null,
  type text not null,
  checkout_id uuid,
  reference text,
  payload jsonb not null,
  received_at timestamptz not null default now(),
  handled_at timestamptz,
  primary key (gateway, event_id)
);
create index webhooks_to_handle on holdfast.webhooks (received_at) where handled_at is null;

-- Who did what by hand.
create table holdfast.admin_actions (
  id uuid primary key,
  action text not null,
  checkout_id uuid,
  actor text not null,
  details jsonb not null default '{}',
  at timestamptz not null default now()
);

-- A cart is read-only while a checkout has it, and for ever once it was bought. The database refuses, whoever writes:
-- the writer locks the cart's row, as starting a checkout does, and looks for a checkout by a statement of its own, so
-- that neither can slip past the other. Once a statement, not once a row.
-- Planned once a session, perhaps while there are no checkouts yet: a scan must not be what is remembered.
create function holdfast.refuse_change_of_held_carts(changed uuid[]) returns void language plpgsql
set enable_seqscan = off as $$
declare
  holder record;
begin
  perform 1 from holdfast.carts where id = any(changed) order by id for no key update;
  for holder in
    select id, state, expires_at from holdfast.checkouts where cart_id = any(changed) and holds_cart
  loop
    if holder.state = 'completed' then
      raise exception 'This cart has become an order and can no longer be changed.'
        using errcode = 'HF410', detail = holder.id::text;
    end if;
    -- An expired lock blocks nobody while it waits to be cleaned up.
    if holder.expires_at <= now() and holder.state in ('pending', 'awaiting_action', 'rolling_back') then
      continue;
    end if;
    if current_setting('holdfast.cart_protection', true) = 'off' then
      continue;
    end if;
    raise exception 'This cart is being checked out and cannot be changed now.'
      using errcode = 'HF423', detail = holder.id::text;
  end loop;
end;
$$;

create function holdfast.protect_carts() returns trigger language plpgsql as $$
begin
  perform holdfast.refuse_change_of_held_carts(array(select id from was));
  return null;
end;
$$;
create trigger protect_carts_updated after update on holdfast.carts
  referencing old table as was for each statement execute function holdfast.protect_carts();
create trigger protect_carts_deleted after delete on holdfast.carts
  referencing old table as was for each statement execute function holdfast.protect_carts();

create function holdfast.protect_cart_lines() returns trigger language plpgsql as $$
begin
  perform holdfast.refuse_change_of_held_carts(array(select distinct cart_id from changed));
  return null;
end;
$$;
create trigger protect_cart_lines_inserted after insert on holdfast.cart_lines
  referencing new table as changed for each statement execute function holdfast.protect_cart_lines();
create trigger protect_cart_lines_deleted after delete on holdfast.cart_lines
  referencing old table as changed for each statement execute function holdfast.protect_cart_lines();
create trigger protect_cart_lines_updated after update on holdfast.cart_lines
  referencing old table as changed for each statement execute function holdfast.protect_cart_lines();

-- A line stays in its cart: so looking at the cart it was in is enough.
create function holdfast.keep_line_in_its_cart() returns trigger language plpgsql as $$
begin
  raise exception 'A line cannot be moved to another cart.' using errcode = '23514';
end;
$$;
create trigger keep_line_in_its_cart before update of cart_id on holdfast.cart_lines
  for each row when (old.cart_id <> new.cart_id) execute function holdfast.keep_line_in_its_cart();
