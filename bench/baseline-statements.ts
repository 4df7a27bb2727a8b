/**
 * The statements of the hand-written checkout, in the order of its transactions. Each is prepared once per connection.
 */

const stockRows = 'unnest($1::uuid[], $2::uuid[], $3::bigint[]) as part (variant_id, location_id, quantity)'

export const sql = {
  base_create_cart: `with cart as (
      insert into holdfast.carts (id, session_id, currency, email, shipping_address)
      values ($1::text, $2, $3, $4, $5::jsonb)
    ), lines as (
      insert into holdfast.cart_lines (id, cart_id, variant_id, quantity)
      select line.id, $1::text, v.id, line.quantity
      from unnest($6::uuid[], $7::text[], $8::int[]) as line (id, sku, quantity)
      left join holdfast.variants v on v.sku = line.sku
    )
    insert into holdfast.sessions (id, cart_id) values ($2, $1::text)
    on conflict (id) do update set cart_id = excluded.cart_id, seen_at = now()`,

  base_lock_cart: `select session_id, exists (select from holdfast.cart_lines where cart_id = c.id) as has_lines
    from holdfast.carts c where id = $1 for update`,
  base_insert_checkout: `insert into holdfast.checkouts (id, cart_id, session_id, state, expires_at, wake_at)
    values ($1, $2, $3, 'pending', now() + interval '15 minutes', now() + interval '15 minutes')
    on conflict (cart_id) where holds_cart do nothing
    returning id, cart_id, session_id, version, epoch, locked_at, expires_at, completed_at`,
  base_insert_start: `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch)
    values ($1, 1, null, 'pending', 0)`,
  base_insert_event: 'insert into holdfast.events (id, checkout_id, type, payload) values ($1, $2, $3, $4)',

  base_lock_checkout: `select 1 from holdfast.checkouts
    where id = $1 and version = $2 and state = 'pending' and expires_at > now() for update`,
  base_read_cart: `select id, session_id as "sessionId", user_id as "userId", currency, email, coupon_code as "couponCode",
      shipping_address as "shippingAddress", billing_address as "billingAddress", shipping_method as "shippingMethod"
    from holdfast.carts where id = $1`,
  base_read_cart_lines: `select l.id, l.variant_id as "variantId", v.sku, p.title, l.quantity, price.amount_minor as "unitMinor",
      v.tax_class as "taxClass", v.requires_shipping as "requiresShipping", v.purchasable and p.published as purchasable,
      v.stock_policy as "stockPolicy"
    from holdfast.cart_lines l
    join holdfast.carts c on c.id = l.cart_id
    join holdfast.variants v on v.id = l.variant_id
    join holdfast.products p on p.id = v.product_id
    left join holdfast.prices price on price.variant_id = v.id and price.currency = c.currency
    where l.cart_id = $1 order by l.id`,
  base_read_taxes: `select country, state, tax_class as "taxClass", name, rate_ppm as "ratePpm", included
    from holdfast.tax_rates where country in ($1, '*')`,
  base_read_shipping: `select m.code, m.name, m.tax_class as "taxClass",
      json_agg(json_build_object('country', r.country, 'currency', r.currency, 'amountMinor', r.amount_minor)) as rates
    from holdfast.shipping_methods m join holdfast.shipping_rates r on r.method_code = m.code
    where m.active and r.country in ($1, '*') and r.currency = $2
    group by m.code, m.name, m.tax_class, m.position order by m.position`,
  base_insert_snapshots: `insert into holdfast.price_snapshots (checkout_id, line_no, sku, title, quantity, currency,
      unit_minor, subtotal_minor, discount_minor, tax_minor, added_tax_minor, shipping_minor, total_minor, details)
    select $1, line_no, sku, title, quantity, $2,
      unit_minor, subtotal_minor, discount_minor, tax_minor, added_tax_minor, shipping_minor, total_minor, details
    from json_to_recordset($3) as row (line_no int, sku text, title text, quantity int, unit_minor bigint,
      subtotal_minor bigint, discount_minor bigint, tax_minor bigint, added_tax_minor bigint, shipping_minor bigint,
      total_minor bigint, details jsonb)`,
  base_insert_intent: `insert into holdfast.payment_operations
      (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, reference)
    values ($1, $2, 1, $3, $4, $5, $6, $7)`,
  base_to_authorizing: `update holdfast.checkouts set state = 'authorizing', version = version + 4, epoch = epoch + 1,
      lease_owner = $3, wake_at = now() + interval '45 seconds', currency = $4, total_minor = $5, gateway = $6,
      details = $7::jsonb, sealed_token = $8
    where id = $1 and version = $2`,
  base_insert_preparation: `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch, duration_us)
    values ($1, 2, 'pending', 'validating', $2, 0), ($1, 3, 'validating', 'reserving', $2, 0),
      ($1, 4, 'reserving', 'locking_prices', $2, 0), ($1, 5, 'locking_prices', 'authorizing', $2, null)`,
  base_lock_stock: `select s.variant_id as "variantId", s.location_id as "locationId", l.priority,
      s.on_hand - s.reserved as available
    from holdfast.stock_levels s join holdfast.locations l on l.id = s.location_id
    where s.variant_id = any($1::uuid[]) and l.active
    order by s.variant_id, s.location_id for update of s`,
  base_insert_reservations: `insert into holdfast.stock_reservations
      (checkout_id, line_no, part_no, sku, variant_id, location_id, quantity, state)
    select $1, line_no, part_no, sku, variant_id, location_id, quantity, 'held'
    from unnest($2::int[], $3::int[], $4::text[], $5::uuid[], $6::uuid[], $7::bigint[])
      as part (line_no, part_no, sku, variant_id, location_id, quantity)`,
  base_add_reserved: `update holdfast.stock_levels s set reserved = s.reserved + part.quantity
    from ${stockRows} where s.variant_id = part.variant_id and s.location_id = part.location_id`,

  base_to_capturing: `update holdfast.checkouts set state = 'capturing', version = version + 2, sealed_token = null,
      wake_at = now() + interval '45 seconds', authorization_valid_until = $4
    where id = $1 and version = $2 and epoch = $3 and state = 'authorizing' and expires_at > now()`,
  base_settle_operation: `update holdfast.payment_operations
    set status = 'succeeded', reference = $3, answer = $4::jsonb, settled_at = clock_timestamp()
    where checkout_id = $1 and kind = $2 and attempt = 1 and status = 'intended'`,
  base_insert_order: `insert into holdfast.orders (id, checkout_id, session_id, email, status, currency, subtotal_minor,
      discount_minor, tax_minor, shipping_minor, total_minor, shipping_address, billing_address, shipping_method)
    values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11::jsonb, $11::jsonb, $12)`,
  base_insert_order_lines: `insert into holdfast.order_lines (order_id, line_no, sku, title, quantity, unit_minor,
      subtotal_minor, discount_minor, tax_minor, total_minor)
    select $1, line_no, sku, title, quantity, unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor
    from holdfast.price_snapshots where checkout_id = $2 and line_no > 0`,
  base_move_reservations: `update holdfast.stock_reservations set state = $3 where checkout_id = $1 and state = $2`,
  base_insert_placing: `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch, duration_us)
    values ($1, 6, 'authorizing', 'creating_order', $2, 0), ($1, 7, 'creating_order', 'capturing', $2, null)`,

  base_to_completed: `update holdfast.checkouts set state = 'completed', version = version + 2, lease_owner = null,
      wake_at = null, completed_at = clock_timestamp()
    where id = $1 and version = $2 and epoch = $3 and state = 'capturing' returning completed_at`,
  base_pay_order: `update holdfast.orders set status = 'paid', paid_at = clock_timestamp() where id = $1 and status = 'pending'`,
  base_insert_settling: `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch, duration_us)
    values ($1, 8, 'capturing', 'committing', $2, 0), ($1, 9, 'committing', 'completed', $2, null)`,
  base_lock_levels: `select 1 from holdfast.stock_levels
    where (variant_id, location_id) in (select * from unnest($1::uuid[], $2::uuid[]))
    order by variant_id, location_id for update`,
  base_take_from_stock: `update holdfast.stock_levels s set on_hand = s.on_hand - part.quantity, reserved = s.reserved - part.quantity
    from ${stockRows} where s.variant_id = part.variant_id and s.location_id = part.location_id`,
} as const
