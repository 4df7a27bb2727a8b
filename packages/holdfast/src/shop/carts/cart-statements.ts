/**
 * Statements that write carts. Every change locks the cart's row before its lines, as the start of a checkout does.
 * The triggers then refuse the change if a checkout holds the cart; neither transaction can miss the other.
 */
import { statement } from '../../database/database.ts'

/**
 * `$1` carts, `$2` their lines, both as JSON. One statement, so a cart is stored completely or not at all. An unknown
 * SKU leaves `variant_id` null, which the table refuses. The newest cart of a session becomes its current cart.
 */
export const insertCarts = statement(
  'insert_carts',
  `with cart as materialized (
     select * from json_to_recordset($1) as row (
       id text, session_id text, user_id text, currency text, email text, coupon_code text,
       shipping_address jsonb, billing_address jsonb, shipping_method text)
   ), new_cart as (
     insert into holdfast.carts (
       id, session_id, user_id, currency, email, coupon_code, shipping_address, billing_address, shipping_method)
     select id, session_id, user_id, currency, email, coupon_code, shipping_address, billing_address, shipping_method
     from cart
   ), new_line as (
     insert into holdfast.cart_lines (id, cart_id, variant_id, quantity)
     select row.id, row.cart_id, v.id, row.quantity
     from json_to_recordset($2) as row (id uuid, cart_id text, sku text, quantity integer)
     left join holdfast.variants v on v.sku = row.sku
   )
   insert into holdfast.sessions as s (id, cart_id, user_id)
   select distinct on (session_id) session_id, id, user_id from cart order by session_id, id desc
   on conflict (id) do update
   set cart_id = excluded.cart_id, user_id = coalesce(excluded.user_id, s.user_id), seen_at = now()`,
)

/** `$1` SKUs. Returns those that no variant has. */
export const selectUnknownSkus = statement(
  'select_unknown_skus',
  `select sku from unnest($1::text[]) as asked (sku)
   where not exists (select from holdfast.variants v where v.sku = asked.sku)
   order by sku`,
)

/**
 * `$1` session, `$2` user. Creates the session if it is new, and locks it: of two first additions at the same time, one
 * waits for the other and then finds its cart.
 */
export const openSession = statement(
  'open_session',
  `insert into holdfast.sessions as s (id, user_id) values ($1, $2)
   on conflict (id) do update set user_id = coalesce(excluded.user_id, s.user_id), seen_at = now()
   returning s.cart_id, exists (
     select from holdfast.checkouts k where k.cart_id = s.cart_id and k.holds_cart and k.state in ('awaiting_capture', 'completed')) as ordered`,
)

/** `$1` cart, `$2` session, `$3` user, `$4` currency. The cart becomes the session's current cart. */
export const insertSessionCart = statement(
  'insert_session_cart',
  `with new_cart as (
     insert into holdfast.carts (id, session_id, user_id, currency) values ($1, $2, $3, $4)
   )
   update holdfast.sessions set cart_id = $1 where id = $2`,
)

/** `$1` cart. Locks the cart; refused while a checkout holds it. */
export const touchCart = statement('touch_cart', 'update holdfast.carts set updated_at = now() where id = $1')

/** `$1` session. Locks its cart and returns the ID; refused while a checkout holds the cart. */
export const touchSessionCart = statement(
  'touch_session_cart',
  `update holdfast.carts c set updated_at = now()
   from holdfast.sessions s where s.id = $1 and c.id = s.cart_id
   returning c.id`,
)

/** `$1` line, `$2` cart, `$3` SKU, `$4` quantity. No row: the SKU is unknown or not for sale. */
export const addCartLine = statement(
  'add_cart_line',
  `insert into holdfast.cart_lines as l (id, cart_id, variant_id, quantity)
   select $1, $2, v.id, $4
   from holdfast.variants v
   join holdfast.products p on p.id = v.product_id
   where v.sku = $3 and v.purchasable and p.published
   on conflict (cart_id, variant_id) do update set quantity = l.quantity + excluded.quantity
   returning l.id`,
)

/** `$1` cart, `$2` line, `$3` quantity. */
export const updateCartLine = statement(
  'update_cart_line',
  'update holdfast.cart_lines set quantity = $3 where cart_id = $1 and id = $2 returning id',
)

/** `$1` cart, `$2` line. */
export const deleteCartLine = statement(
  'delete_cart_line',
  'delete from holdfast.cart_lines where cart_id = $1 and id = $2 returning id',
)

/** `$1` cart. */
export const deleteCartLines = statement('delete_cart_lines', 'delete from holdfast.cart_lines where cart_id = $1')

/** `$1` session, `$2` the fields to set, as a JSON object; null clears a field. */
export const updateSessionCart = statement(
  'update_session_cart',
  `update holdfast.carts c set
     email = case when f.fields ? 'email' then f.fields ->> 'email' else c.email end,
     coupon_code = case when f.fields ? 'coupon_code' then f.fields ->> 'coupon_code' else c.coupon_code end,
     shipping_method = case when f.fields ? 'shipping_method' then f.fields ->> 'shipping_method' else c.shipping_method end,
     shipping_address = case when f.fields ? 'shipping_address'
       then nullif(f.fields -> 'shipping_address', 'null') else c.shipping_address end,
     billing_address = case when f.fields ? 'billing_address'
       then nullif(f.fields -> 'billing_address', 'null') else c.billing_address end,
     updated_at = now()
   from holdfast.sessions s, (select $2::jsonb as fields) f
   where s.id = $1 and c.id = s.cart_id
   returning c.id`,
)

/** `$1` session. Returns its cart, unless the cart was bought. */
export const selectSessionCart = statement(
  'select_session_cart',
  `select s.cart_id from holdfast.sessions s
   where s.id = $1 and s.cart_id is not null and not exists (
     select from holdfast.checkouts k where k.cart_id = s.cart_id and k.holds_cart and k.state in ('awaiting_capture', 'completed'))`,
)

/** `$1` code. Whether the coupon can be used now. Minimum and per-customer limit are checked when the cart is priced. */
export const selectCouponState = statement(
  'select_coupon_state',
  `select coalesce(starts_at > now(), false) as early, coalesce(ends_at <= now(), false) as ended,
     coalesce(claimed >= usage_limit, false) as exhausted
   from holdfast.coupons where code = $1`,
)

/** `$1` code of an active shipping method. */
export const selectShippingMethod = statement(
  'select_shipping_method',
  'select code from holdfast.shipping_methods where code = $1 and active',
)

export const selectExchangeRates = statement(
  'select_cart_exchange_rates',
  'select base, quote, rate from holdfast.exchange_rates',
)

/** Disables the protection of held carts for this transaction. */
export const unprotectCarts = statement('unprotect_carts', `select set_config('holdfast.cart_protection', 'off', true)`)
