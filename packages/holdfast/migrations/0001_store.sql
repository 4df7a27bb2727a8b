-- The store: catalog, stock, coupons, taxes, shipping, carts, and sessions.
-- Migrations are forward only: once released, a file never changes; a later file changes the schema instead.
-- Money is bigint minor units beside an ISO 4217 code. Rates are integers in parts per million.

-- Catalog

create table holdfast.products (
  id uuid primary key,
  handle text not null unique check (handle <> ''),
  title text not null check (title <> ''),
  description_html text not null default '',
  vendor text not null default '',
  product_type text not null default '',
  tags text[] not null default '{}',
  option_names text[] not null default '{}',
  -- [{"url": …, "position": …, "alt": …}], ordered by position
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
  -- The option values, for example "Large / Blue"; '' if the product has no options.
  title text not null default '',
  option_values text[] not null default '{}',
  tax_class text not null default 'standard',
  -- 'continue' sells without stock: the missing units are back-ordered.
  stock_policy text not null default 'deny' check (stock_policy in ('deny', 'continue')),
  purchasable boolean not null default true,
  requires_shipping boolean not null default true,
  grams integer not null default 0 check (grams >= 0),
  barcode text,
  image_url text,
  -- Deferred, so that an import can reorder the variants of a product.
  unique (product_id, position) deferrable initially deferred
);

create table holdfast.prices (
  variant_id uuid not null references holdfast.variants on delete cascade,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  compare_at_minor bigint check (compare_at_minor >= 0),
  primary key (variant_id, currency)
);

-- Units of `quote` per unit of `base`, both in major units.
create table holdfast.exchange_rates (
  base char(3) not null check (base ~ '^[A-Z]{3}$'),
  quote char(3) not null check (quote ~ '^[A-Z]{3}$' and quote <> base),
  rate numeric(20, 10) not null check (rate > 0),
  updated_at timestamptz not null default now(),
  primary key (base, quote)
);

-- Stock

create table holdfast.locations (
  id uuid primary key,
  code text not null unique check (code <> ''),
  name text not null,
  -- Locations with a lower number are used first.
  priority integer not null default 100,
  active boolean not null default true
);

create table holdfast.stock_levels (
  variant_id uuid not null references holdfast.variants on delete cascade,
  location_id uuid not null references holdfast.locations,
  -- Units in the warehouse, including held units.
  on_hand bigint not null default 0,
  -- Units of `on_hand` that live reservations hold.
  reserved bigint not null default 0,
  -- All units ever added, less manual removals: on_hand + sold = stocked.
  stocked bigint not null default 0,
  -- The quantity in the last catalog import. Importing the same number again changes nothing, regardless of sales since.
  imported bigint,
  primary key (variant_id, location_id),
  constraint stock_is_never_oversold check (0 <= reserved and reserved <= on_hand)
) with (fillfactor = 50);

-- Coupons

create table holdfast.coupons (
  id uuid primary key,
  code text not null unique check (code = upper(code) and code <> ''),
  kind text not null check (kind in ('percentage', 'fixed')),
  -- percentage: share of the subtotal, in parts per million
  rate_ppm integer check (rate_ppm between 1 and 1000000),
  -- fixed: an amount in `currency`
  amount_minor bigint check (amount_minor > 0),
  currency char(3) check (currency ~ '^[A-Z]{3}$'),
  -- The smallest subtotal that the coupon accepts, in `minimum_currency`.
  minimum_minor bigint check (minimum_minor >= 0),
  minimum_currency char(3) check (minimum_currency ~ '^[A-Z]{3}$'),
  starts_at timestamptz,
  ends_at timestamptz,
  usage_limit bigint check (usage_limit >= 0),
  usage_limit_per_customer bigint check (usage_limit_per_customer >= 0),
  -- Number of held and redeemed claims.
  claimed bigint not null default 0,
  created_at timestamptz not null default now(),
  check ((kind = 'percentage') = (rate_ppm is not null)),
  check ((kind = 'fixed') = (amount_minor is not null and currency is not null)),
  check ((minimum_minor is null) = (minimum_currency is null)),
  constraint coupon_is_never_overclaimed check (0 <= claimed and claimed <= coalesce(usage_limit, claimed))
);

-- Taxes and shipping

-- One rate per country, state, and tax class. State '' is the whole country; country '*' is every other country.
create table holdfast.tax_rates (
  country text not null check (country ~ '^([A-Z]{2}|\*)$'),
  state text not null default '',
  tax_class text not null default 'standard',
  name text not null,
  rate_ppm integer not null check (rate_ppm between 0 and 1000000),
  -- true: catalog prices include the tax; false: the tax is added to them
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

-- Flat rates. Country '*' is every country without its own rate for the method.
create table holdfast.shipping_rates (
  method_code text not null references holdfast.shipping_methods on delete cascade,
  country text not null check (country ~ '^([A-Z]{2}|\*)$'),
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor >= 0),
  primary key (method_code, country, currency)
);

-- Carts and sessions

-- Cart ids are text, as in `checkouts`. The built-in carts use UUIDv7.
create table holdfast.carts (
  id text collate "C" primary key,
  session_id text not null,
  user_id text,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  email text,
  coupon_code text,
  shipping_address jsonb,
  billing_address jsonb,
  shipping_method text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint cart_id_has_1_to_255_characters check (char_length(id) between 1 and 255)
);

create table holdfast.cart_lines (
  id uuid primary key,
  cart_id text collate "C" not null references holdfast.carts on delete cascade,
  variant_id uuid not null references holdfast.variants,
  quantity integer not null check (quantity between 1 and 9999),
  unique (cart_id, variant_id)
);

-- The cart that a browser session fills. Replaced when the cart becomes an order.
create table holdfast.sessions (
  id text primary key,
  cart_id text collate "C" references holdfast.carts,
  user_id text,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);
