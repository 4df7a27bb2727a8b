/** Late requests to Stripe authorize nothing, because of the stored ID, the fence, and the cancel. */
import { expect, test } from 'vitest'
import { describeStripe, keys, undone } from './fixture.ts'

const apiVersion = '2026-10-28.endive'

describeStripe('A process that froze after it had created an intent', shop => {
  test('a frozen process cannot store its intent after the authorization was given up, and confirms nothing', async () => {
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

describeStripe('A declined payment', shop => {
  test('a declined payment cannot be confirmed in a browser, even with its client secret', async () => {
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

describeStripe('A payment that the buyer confirms in the browser', shop => {
  test('a process that takes over still lets the browser confirm, although no request reached Stripe before', async () => {
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
