/** Sessions of one user that start at the same moment: one gets the lock, and no session gets the lock of a different one. */
import { expect, test } from 'vitest'
import { describeStore } from '../../support/test-store.ts'

describeStore('Sessions that start at the same moment', store => {
  test.each([true, false])(
    'one session gets the lock and the others are refused (preventConcurrent: %s)',
    async prevented => {
      const engine = await store.open({ config: { preventConcurrent: prevented } })
      const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 }, { userId: 'ada' })
      const sessions = [sessionId, `${sessionId}-laptop`, `${sessionId}-tablet`]
      const starts = await Promise.allSettled(
        sessions.map(session => engine.startCheckout(cartId, { sessionId: session, userId: 'ada' })),
      )
      const given = starts.flatMap((start, index) =>
        start.status === 'fulfilled' ? [[start.value.sessionId, sessions[index]]] : [],
      )
      for (const [owner, asked] of given) expect(owner).toBe(asked)
      const refusals = starts.flatMap(start => (start.status === 'rejected' ? [start.reason.code] : []))
      expect(refusals).toEqual(['cart_locked', 'cart_locked'])
      expect(await store.sql('select 1 from holdfast.checkouts where cart_id = $1', [cartId])).toHaveLength(1)
    },
  )
})
