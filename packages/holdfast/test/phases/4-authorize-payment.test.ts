/** If a gateway captures a different amount than requested, the order is not completed until an operator corrects it. */
import { expect, test } from 'vitest'
import { paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'

describeStore(
  'A capture of a different amount than requested',
  store => {
    test('waits for the shop, its stock firm, and completes once the gateway is corrected', async () => {
      const engine = await store.open({
        gateway: {
          ...store.gateway,
          capture: request => store.gateway.capture({ ...request, amountMinor: request.amountMinor - 1 }),
        },
      })
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      const outcome = await engine.processCheckout(lockId, { token: 'tok_approve' })
      const facts = await store.facts(lockId)
      const found = await store.violations()
      await store.sql(`update holdfast_sandbox.requests set amount_minor = 2500 where kind = 'capture'`)
      expect(found.filter(violation => violation.startsWith('A3'))).toEqual([])
      expect(outcome).toMatchObject({ status: 'processing', lock: { state: 'capturing' } })
      expect(facts).toMatchObject({ order: 'pending', holds: ['firm'], charged: 2_499 })
      await store.sql('update holdfast_sandbox.payments set captured_minor = amount_minor')
      await store.drain()
      expect(await store.facts(lockId)).toEqual(paid(2_500))
    })
  },
  ['postgres'],
)
