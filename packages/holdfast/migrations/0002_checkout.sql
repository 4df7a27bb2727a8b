-- The checkout: locks, price snapshots, reservations, coupon claims, transitions, orders, and the protection of carts.
-- Only the steps of a checkout write the rows below it, in the transaction that locks the checkout's row. These rows
-- have no foreign keys, because a check per row costs too much on the hottest path; `holdfast audit` finds strays.

create table holdfast.checkouts (
  id uuid primary key,
  -- Up to 255 characters. Not a foreign key: a shop may keep its carts elsewhere.
  cart_id text collate "C" not null,
  session_id text not null,
  user_id text,
  state text not null check (state in (
    'pending', 'authorizing', 'awaiting_action', 'capturing', 'awaiting_capture', 'rolling_back', 'completed', 'failed')),
  -- The checkout owns the cart: while it is active, and permanently once it has completed.
  holds_cart boolean not null default true,
  -- Number of the last transition. Together with `epoch` it shows a writer whether the checkout changed.
  version integer not null default 1,
  -- Fencing token: raised when a worker takes the lease, and named by every write.
  epoch integer not null default 0,
  lease_owner text,
  -- When a worker must visit the checkout again: end of the lease, next question to the gateway, or expiry (A11).
  wake_at timestamptz,
  -- Consecutive visits without progress. Drives backoff and the alert.
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
  -- The payment token, encrypted. Deleted as soon as the authorization is settled.
  sealed_token text,
  -- What the buyer must do while the state is `awaiting_action`.
  action jsonb,
  -- The end of the period in which the authorization can be captured, as reported by the gateway.
  authorization_valid_until timestamptz,
  constraint checkout_cart_id_has_1_to_255_characters check (char_length(cart_id) between 1 and 255),
  constraint ended_is_dated check (
    (state = 'completed') = (completed_at is not null) and (state = 'failed') = (failed_at is not null and failure is not null)),
  constraint active_has_a_wake_time check (state in ('completed', 'failed') or wake_at is not null),
  constraint failed_releases_the_cart check (not (state = 'failed' and holds_cart)),
  constraint prices_are_locked check (state in ('pending', 'failed') or (total_minor is not null and currency is not null))
) with (fillfactor = 50);

-- A1: one active checkout per cart, and none beside a completed one.
create unique index one_checkout_per_cart on holdfast.checkouts (cart_id) where holds_cart;
create index checkouts_to_wake on holdfast.checkouts (wake_at) where wake_at is not null;

-- Frozen prices (A3). line_no 0 is the cart; lines count from 1 and are identified by line_no and sku.
create table holdfast.price_snapshots (
  checkout_id uuid not null,
  line_no integer not null check (line_no >= 0),
  sku text,
  title text,
  quantity integer check (quantity > 0),
  currency char(3) not null,
  unit_minor bigint,
  subtotal_minor bigint not null check (subtotal_minor >= 0),
  discount_minor bigint not null check (discount_minor between 0 and subtotal_minor),
  -- All tax in the line; `added_tax_minor` is the part that the prices do not include.
  tax_minor bigint not null check (tax_minor >= 0),
  added_tax_minor bigint not null check (added_tax_minor between 0 and tax_minor),
  shipping_minor bigint not null default 0 check (shipping_minor >= 0),
  total_minor bigint not null,
  -- cart: coupon, taxes, shipping method, base currency, exchange rate; line: tax rate and class
  details jsonb not null,
  created_at timestamptz not null default now(),
  primary key (checkout_id, line_no),
  constraint lines_have_a_sku check ((line_no = 0) = (sku is null)),
  constraint snapshot_adds_up check (total_minor = subtotal_minor - discount_minor + added_tax_minor + shipping_minor)
);

create table holdfast.stock_reservations (
  checkout_id uuid not null,
  line_no integer not null,
  -- A line can be served from several locations, one part each.
  part_no integer not null,
  sku text not null,
  -- Internal: the key of the stock level that the part is taken from.
  variant_id uuid not null,
  -- null: back-ordered, not held at any location
  location_id uuid,
  quantity bigint not null check (quantity > 0),
  state text not null check (state in ('held', 'firm', 'committed', 'released')),
  -- Sold units that a refund has returned to their warehouse. Back-ordered units came from no warehouse.
  restocked bigint not null default 0,
  primary key (checkout_id, line_no, part_no),
  constraint no_more_is_restocked_than_was_sold check (
    restocked = 0 or (restocked between 1 and quantity and state = 'committed' and location_id is not null))
) with (fillfactor = 50);

create table holdfast.coupon_claims (
  checkout_id uuid primary key,
  coupon_id uuid not null,
  -- 'user:…', 'email:…', or 'session:…': the customer that the per-customer limit counts
  customer text not null,
  state text not null check (state in ('held', 'redeemed', 'released'))
);
create index coupon_claims_by_customer on holdfast.coupon_claims (coupon_id, customer) where state <> 'released';

-- History of every checkout (A7). `from_state` is null for the first transition.
create table holdfast.transitions (
  checkout_id uuid not null,
  version integer not null check (version > 0),
  from_state text,
  to_state text not null,
  epoch integer not null,
  at timestamptz not null default clock_timestamp(),
  -- Duration of the work before this transition. For states passed within one transaction: of the whole batch.
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

-- Orders

create sequence holdfast.order_numbers start 100001;

create table holdfast.orders (
  id uuid primary key,
  number text not null unique default nextval('holdfast.order_numbers')::text check (number <> ''),
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
  -- A refund named the shipping cost. It cannot be refunded again, even if only part of it was paid back.
  shipping_refunded boolean not null default false,
  coupon_code text,
  shipping_address jsonb,
  billing_address jsonb,
  shipping_method text,
  notes text,
  -- {"payment": …}: the gateway's description of the capture
  metadata jsonb not null default '{}',
  placed_at timestamptz not null default now(),
  paid_at timestamptz,
  cancelled_at timestamptz,
  check ((status = 'cancelled') = (cancelled_at is not null)),
  check (status in ('pending', 'cancelled') or paid_at is not null),
  constraint shipping_is_refunded_with_money check (not shipping_refunded or refunded_minor > 0)
) with (fillfactor = 50);

create table holdfast.order_lines (
  order_id uuid not null,
  line_no integer not null,
  sku text not null,
  title text not null,
  quantity integer not null check (quantity > 0),
  unit_minor bigint not null,
  subtotal_minor bigint not null,
  discount_minor bigint not null,
  tax_minor bigint not null,
  total_minor bigint not null,
  refunded_quantity integer not null default 0,
  primary key (order_id, line_no),
  constraint no_more_is_refunded_than_was_sold check (refunded_quantity between 0 and quantity)
);

-- Protection of carts
--
-- A cart is read-only while a checkout holds it, and permanently once it was bought. The database refuses every writer.
-- The writer locks the cart's row, as the start of a checkout does, and then looks for a checkout in a separate
-- statement, so neither can miss the other. The check runs once per statement, not once per row.
--
-- The plan is cached per session, perhaps while there are no checkouts. It must not remember a sequential scan.
create function holdfast.refuse_change_of_held_carts(changed text[]) returns void language plpgsql
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
    -- An expired lock that waits for its cleanup does not block the cart.
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

-- A line never moves to another cart, so checking the cart that it was in is enough.
create function holdfast.keep_line_in_its_cart() returns trigger language plpgsql as $$
begin
  raise exception 'A line cannot be moved to another cart.' using errcode = '23514';
end;
$$;
create trigger keep_line_in_its_cart before update of cart_id on holdfast.cart_lines
  for each row when (old.cart_id <> new.cart_id) execute function holdfast.keep_line_in_its_cart();
