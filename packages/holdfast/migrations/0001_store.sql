-- The store: catalog, stock, coupons, taxes, shipping, carts.
-- Money is bigint minor units beside an ISO 4217 code; rates are integers in parts per million.

create table holdfast.products (
  id uuid primary key,
  handle text not null unique check (handle <> ''),
  title text not null check (title <> ''),
  description_html text not null default '',
  vendor text not null default '',
  product_type text not null default '',
  tags text[] not null default '{}',
  option_names text[] not null default '{}',
  -- [{"url": …, "position": …, "alt": …}], by position
  images jsonb not null default '[]',
  published boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table holdfast.variants (
  id uuid primary key,
  product_id uuid not null references holdfast.products on delete cascade,
  sku text not null unique check (sku <> ''),
  position integer not null,
  -- The option values, "Large / Blue"; '' where the product has no options.
  title text not null default '',
  option_values text[] not null default '{}',
  tax_class text not null default 'standard',
  stock_policy text not null default 'deny' check (stock_policy in ('deny', 'continue')),
  purchasable boolean not null default true,
  requires_shipping boolean not null default true,
  grams integer not null default 0 check (grams >= 0),
  barcode text,
  image_url text,
  -- Deferred, so that an import can put the variants of a product in another order.
  unique (product_id, position) deferrable initially deferred
);

create table holdfast.prices (
  variant_id uuid not null references holdfast.variants on delete cascade,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  compare_at_minor bigint check (compare_at_minor >= 0),
  primary key (variant_id, currency)
);

-- Units of `quote` for one unit of `base`, both in major units.
create table holdfast.exchange_rates (
  base char(3) not null check (base ~ '^[A-Z]{3}$'),
  quote char(3) not null check (quote ~ '^[A-Z]{3}$' and quote <> base),
  rate numeric(20, 10) not null check (rate > 0),
  updated_at timestamptz not null default now(),
  primary key (base, quote)
);

create table holdfast.locations (
  id uuid primary key,
  code text not null unique check (code <> ''),
  name text not null,
  -- Lower is served first.
  priority integer not null default 100,
  active boolean not null default true
);

create table holdfast.stock_levels (
  variant_id uuid not null references holdfast.variants on delete cascade,
  location_id uuid not null references holdfast.locations,
  -- What stands in the warehouse, held units included.
  on_hand bigint not null default 0,
  -- What live reservations hold of it.
  reserved bigint not null default 0,
  -- All that was ever put in, less what was taken out by hand: on_hand + sold = stocked.
  stocked bigint not null default 0,
  -- The quantity the last catalog import named; the same number again changes nothing, whatever was sold since.
  imported bigint,
  primary key (variant_id, location_id),
  constraint stock_is_never_oversold check (0 <= reserved and reserved <= on_hand)
) with (fillfactor = 50);

create table holdfast.coupons (
  id uuid primary key,
  code text not null unique check (code = upper(code) and code <> ''),
  kind text not null check (kind in ('percentage', 'fixed')),
  -- percentage: of the subtotal, in parts per million
  rate_ppm integer check (rate_ppm between 1 and 1000000),
  -- fixed: an amount of `currency`
  amount_minor bigint check (amount_minor > 0),
  currency char(3) check (currency ~ '^[A-Z]{3}$'),
  -- Smallest subtotal it is good for, in `minimum_currency`.
  minimum_minor bigint check (minimum_minor >= 0),
  minimum_currency char(3) check (minimum_currency ~ '^[A-Z]{3}$'),
  starts_at timestamptz,
  ends_at timestamptz,
  usage_limit bigint check (usage_limit >= 0),
  usage_limit_per_customer bigint check (usage_limit_per_customer >= 0),
  -- Live and redeemed claims.
  claimed bigint not null default 0,
  created_at timestamptz not null default now(),
  check ((kind = 'percentage') = (rate_ppm is not null)),
  check ((kind = 'fixed') = (amount_minor is not null and currency is not null)),
  check ((minimum_minor is null) = (minimum_currency is null)),
  constraint coupon_is_never_overclaimed check (0 <= claimed and claimed <= coalesce(usage_limit, claimed))
);

-- One rate a country, tax class and (where it has them) state; state '' is the whole country, country '*' everywhere else.
create table holdfast.tax_rates (
  country text not null check (country ~ '^([A-Z]{2}|\*)$'),
  state text not null default '',
  tax_class text not null default 'standard',
  name text not null,
  rate_ppm integer not null check (rate_ppm between 0 and 1000000),
  -- true: catalog prices contain it. false: it is added to them.
  included boolean not null,
  primary key (country, state, tax_class)
);

create table holdfast.shipping_methods (
  code text primary key check (code <> ''),
  name text not null,
  tax_class text not null default 'standard',
  position integer not null default 0,
  active boolean not null default true
);

-- Flat rates; country '*' is everywhere that has no rate of its own for the method.
create table holdfast.shipping_rates (
  method_code text not null references holdfast.shipping_methods on delete cascade,
  country text not null check (country ~ '^([A-Z]{2}|\*)$'),
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  primary key (method_code, country, currency)
);

create table holdfast.carts (
  id uuid primary key,
  session_id text not null,
  user_id text,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  email text,
  coupon_code text,
  shipping_address jsonb,
  billing_address jsonb,
  shipping_method text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table holdfast.cart_lines (
  id uuid primary key,
  cart_id uuid not null references holdfast.carts on delete cascade,
  variant_id uuid not null references holdfast.variants,
  quantity integer not null check (quantity between 1 and 9999),
  unique (cart_id, variant_id)
);

-- Which cart a browser session is filling. Replaced when that cart has become an order.
create table holdfast.sessions (
  id text primary key,
  cart_id uuid references holdfast.carts,
  user_id text,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);
