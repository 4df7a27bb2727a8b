import { test } from 'vitest'
import { describeStore } from '../../src/testing/test-store.ts'

describeStore(
  'tmp',
  store => {
    test.each(Array.from({ length: 60 }, (_, i) => i))('timeout %s', async index => {
      const asked: string[] = []
      const wrap = (name: string, call: any) => async (request: any) => {
        try {
          const answer = await call(request)
          asked.push(`${name} ${JSON.stringify(answer)}`)
          return answer
        } catch (error) {
          asked.push(`${name} threw ${String(error)} ${String((error as any).cause)}`)
          throw error
        }
      }
      const g = store.gateway
      const gateway = {
        ...g,
        capture: wrap('capture', g.capture),
        lookup: wrap('lookup', g.lookup),
        authorize: wrap('authorize', g.authorize),
      }
      const engine = await store.open({ gateway, numbers: { gatewayTimeoutMs: 1 + (index % 15) } })
      const calm = await store.open({ gateway })
      const { lockId } = await store.begin({ [await store.article()]: 2 }, { cart: { couponCode: 'TEN' } })
      await engine.processCheckout(lockId, { token: 'tok_approve' })
      for (let n = 0; n < 12; n += 1) {
        if ((await store.facts(lockId)).state === 'completed') return
        await store.pass(60_001)
        await store.sql(`update holdfast.checkouts set wake_at = now() - interval '1 second' where id = $1`, [lockId])
        await calm.recover()
      }
      console.log(asked.join('\n'))
      console.log(
        JSON.stringify(await store.sql(`select * from holdfast.payment_operations where checkout_id = $1`, [lockId])),
      )
      console.log(
        JSON.stringify(await store.sql(`select * from holdfast_sandbox.payments where checkout_id = $1`, [lockId])),
      )
      throw new Error('stuck')
    })
  },
  ['postgres'],
)
