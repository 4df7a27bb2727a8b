/** Inserts a checkout that holds a cart, in the order of a real start: first the cart's row, then the checkout's. */
import { v7 } from 'uuid'
import { type Queryable, statement } from '../../../src/database/database.ts'

export const lockCartRow = statement('test_lock_cart', 'select id from holdfast.carts where id = $1 for no key update')

const insertCheckout = statement(
  'test_insert_checkout',
  `insert into holdfast.checkouts (id, cart_id, session_id, state, expires_at, wake_at, currency, total_minor, completed_at)
   values ($1, $2, $3, $4, now() + make_interval(mins => $5::integer), now(), 'USD', 100,
     case when $4 = 'completed' then now() end)
   returning id`,
)

export async function insertLock(
  on: Queryable,
  cart: { id: string; sessionId: string },
  options: { state?: string; minutes?: number } = {},
): Promise<string> {
  const { state = 'pending', minutes = 15 } = options
  const id = v7()
  await on.query(insertCheckout, [id, cart.id, cart.sessionId, state, minutes])
  return id
}

const releaseCheckouts = statement(
  'test_release_checkouts',
  `update holdfast.checkouts set state = 'failed', holds_cart = false, failed_at = now(), failure = '{}' where cart_id = $1`,
)

export async function releaseLock(on: Queryable, cartId: string): Promise<void> {
  await on.query(releaseCheckouts, [cartId])
}
