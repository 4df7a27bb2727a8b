/** The engine treats cart IDs as opaque text: it accepts any ID of 1 to 255 characters. */
import { expect, test } from 'vitest'
import { address, describeStore } from '../support/test-store.ts'

describeStore('Cart ids', store => {
  test.each(['cart-7', '42', `${'ä'.repeat(254)}?`])(
    'a cart whose id is not a UUID is checked out, locked, and ordered: %s',
    async id => {
      const sku = await store.article()
      await store.sql(
        `with cart as (insert into holdfast.carts (id, session_id, currency, email, shipping_address)
           values ($1, 'buyer', 'USD', 'ada@example.com', $2::jsonb))
         insert into holdfast.cart_lines (id, cart_id, variant_id, quantity)
         select gen_random_uuid(), $1, id, 1 from holdfast.variants where sku = $3`,
        [id, JSON.stringify(address), sku],
      )
      expect((await store.engine.quoteCart(id))?.quote?.lines).toMatchObject([{ lineNo: 1, sku }])
      const lock = await store.engine.startCheckout(id, { sessionId: 'buyer' })
      expect(lock.cartId).toBe(id)
      expect(await store.engine.isCartLocked(id)).toBe(true)
      await expect(
        store.sql(`update holdfast.carts set email = null where id = $1 returning id`, [id]),
      ).rejects.toThrow('This cart is being checked out')
      const outcome = await store.engine.processCheckout(lock.id, { token: 'tok_approve' }, { sessionId: 'buyer' })
      expect(outcome).toMatchObject({ status: 'completed', order: { lines: [{ lineNo: 1, sku }] } })
      await expect(store.engine.startCheckout(id, { sessionId: 'buyer' })).rejects.toMatchObject({
        code: 'cart_ordered',
      })
    },
  )

  test('an unknown cart id of any form is answered with cart_not_found', async () => {
    for (const id of ['cart-8', 'x'.repeat(255), '01920000-0000-7000-8000-000000000000']) {
      await expect(store.engine.startCheckout(id, { sessionId: 'buyer' })).rejects.toMatchObject({
        code: 'cart_not_found',
      })
      expect(await store.engine.isCartLocked(id)).toBe(false)
      expect(await store.engine.getActiveLock(id)).toBeNull()
      expect(await store.engine.quoteCart(id)).toBeNull()
    }
  })

  test('a cart id that is empty, longer than 255 characters, or cannot be stored is refused', async () => {
    for (const id of ['', 'x'.repeat(256), 'cart\0']) {
      await expect(store.engine.startCheckout(id, { sessionId: 'buyer' })).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      await expect(store.engine.isCartLocked(id)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })
})
