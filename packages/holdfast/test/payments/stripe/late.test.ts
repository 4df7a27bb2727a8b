/** Whoever comes too late to a payment at Stripe authorizes nothing: a kept id, a fence and a cancel stand before it. */
import { expect, test } from 'vitest'
import { describeStripe, keys, undone } from './fixture.ts'

const apiVersion = '2026-10-28.endive'

describeStripe('A process that froze after it had made an intent', shop => {
  test('may not keep it once the authorization was given up, and confirms nothing', async () => {
    const { lockId } = await shop.begin()
    let arrive = (): void => {}
    let wake = (): void => {}
    const arrived = new Promise<void>(resolve => {
      arrive = resolve
    })
    const woken = new Promise<void>(resolve => {
      wake = resolve
    })
    const httpClient = Object.assign(Object.create(shop.httpClient), {
      async makeRequest(...call: Parameters<typeof shop.httpClient.makeRequest>) {
        const response = await shop.httpClient.makeRequest(...call)
        if (String(call[2]).endsWith('/payment_intents')) {
          arrive()
          await woken
        }
        return response
      },
    }) as typeof shop.httpClient
    const frozen = await shop.open({ apart: true, stripe: { httpClient }, numbers: { gatewayTimeoutMs: 60_000 } })
    const working = frozen.processCheckout(lockId, { token: 'pm_card_visa' })
    await arrived
    await shop.engine.cancelCheckout(lockId)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_cancelled' })
    wake()
    expect(await working).toMatchObject({ status: 'failed' })
    expect(shop.books(lockId)).toMatchObject({ authorizations: 0, openMinor: 0 })
    expect(await shop.intentOf(lockId)).toBe('')
  })
})

describeStripe('A payment that was refused', shop => {
  test('is confirmed by no browser afterwards, whoever has its secret', async () => {
    const { lockId, outcome } = await shop.pay({ token: 'pm_card_visa_chargeDeclined' })
    expect(outcome.status).toBe('failed')
    const id = await shop.intentOf(lockId)
    const { client_secret: secret } = await shop.stripe.paymentIntents.retrieve(id)
    const body = new URLSearchParams({ client_secret: secret ?? '', payment_method: 'pm_card_visa' })
    const headers = { Authorization: `Bearer ${keys.publishableKey}`, 'Stripe-Version': apiVersion }
    const url = `http://stripe.invalid/v1/payment_intents/${id}/confirm`
    await shop.simulator.handle(new Request(url, { method: 'POST', headers, body }))
    expect(shop.books(lockId)).toMatchObject({ authorizations: 0, openMinor: 0 })
  })
})

describeStripe('A payment that is to be confirmed in the browser', shop => {
  test('is still that to who carries it on, though nothing reached Stripe before', async () => {
    shop.simulator.planFault({ fault: { kind: 'lose_request' }, on: 'create', times: 4 })
    const { lockId, outcome } = await shop.pay({ method: 'card' })
    expect(outcome.status).toBe('processing')
    expect(shop.books(lockId).intents).toEqual([])
    shop.simulator.clearFaults()
    await shop.store.wake(lockId)
    const other = await shop.open({ apart: true })
    await other.recover()
    expect(await shop.ending(lockId)).toMatchObject({ state: 'awaiting_action', intents: ['requires_payment_method'] })
  })
})
