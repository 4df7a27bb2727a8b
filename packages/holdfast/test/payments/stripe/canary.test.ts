/**
 * Canaries: keys, secrets, tokens, and card numbers, given in the right and on purpose in the wrong places. Every table,
 * log line, error, event, and response is searched for them (A12). Only the response that opens the form in the browser
 * may contain the client secret and the publishable key.
 */
import { inspect } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { createHttpHandler } from '../../../src/http/app.ts'
import { createLog } from '../../../src/observe/log/log.ts'
import { createCatalog } from '../../../src/shop/catalog/catalog.ts'
import { address, httpTestConfig, openBrowser } from '../../http/open-shop.ts'
import { describeStripe, keys, type StripeShop } from './fixture.ts'

const cardNumber = '4000056655665556'
const wrongKey = 'sk_test_wrongcanary5678'
const returnUrl = 'http://shop.test/checkout?returned=1'

describeStripe(
  'A secret',
  shop => {
    const written: string[] = []
    const thrown: unknown[] = []
    const canaries = new Set<string>([keys.secretKey, keys.webhookSecret, wrongKey, wrongKey.slice(-8), cardNumber])
    let engine: CheckoutEngine
    let locked: CheckoutEngine

    beforeAll(async () => {
      const log = createLog({ level: 'debug', write: line => written.push(line) })
      engine = await shop.open({ log, config: { logAllPhases: true } })
      locked = await shop.open({ log, stripe: { secretKey: wrongKey } })
    })

    /** Creates a card as the browser's form does. Its ID is a token. */
    async function cardToken(token = 'tok_visa'): Promise<string> {
      const { id } = await shop.stripe.paymentMethods.create({ type: 'card', card: { token } })
      canaries.add(id)
      return id
    }

    async function secretOf(lockId: string): Promise<string> {
      const secret = (await shop.stripe.paymentIntents.retrieve(await shop.intentOf(lockId))).client_secret ?? ''
      canaries.add(secret)
      return secret
    }

    const caught = async (work: Promise<unknown>) => {
      try {
        return await work
      } catch (error) {
        thrown.push(error)
        return error
      }
    }

    /** The tables that contain any of these texts. */
    async function tablesWith(texts: Iterable<string>): Promise<string[]> {
      const tables = await shop.store.sql<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'holdfast%'`,
      )
      const found: string[] = []
      for (const { name } of tables) {
        const rows = await shop.store.sql<{ text: string }>(
          `select distinct text from ${name} as t, unnest(string_to_array($1, ' ')) as text where position(text in t::text) > 0`,
          [[...texts].join(' ')],
        )
        found.push(...rows.map(({ text }) => `${text} in ${name}`))
      }
      return found
    }

    async function expectNoLeak(): Promise<void> {
      expect(await tablesWith(canaries)).toEqual([])
      for (const canary of canaries) {
        expect(written.find(line => line.includes(canary))).toBeUndefined()
        for (const error of thrown) expect(inspect(error, { depth: 8, showHidden: true })).not.toContain(canary)
      }
    }

    test('secrets appear in no row, log line, or error, for every kind of payment', async () => {
      await shop.pay({ token: await cardToken(), returnUrl }, { engine })
      await shop.pay({ token: await cardToken('tok_chargeDeclinedInsufficientFunds') }, { engine })
      const waiting = await shop.pay({ token: await cardToken('tok_threeDSecureRequired'), returnUrl }, { engine })
      await secretOf(waiting.lockId)
      await expectNoLeak()
      shop.simulator.authenticate(await shop.intentOf(waiting.lockId), 'complete')
      const opened = await shop.pay({}, { engine })
      const confirmation = await engine.getConfirmation(opened.lockId)
      expect(confirmation?.clientSecret).toBe(await secretOf(opened.lockId))
      await shop.confirmInBrowser(opened.lockId, { payment_method: await cardToken() })
      await shop.pass(0)
      const given = await shop.engine.getCheckoutStatus(opened.lockId)
      await engine.refundOrder(given?.order?.id ?? '', { amountMinor: 100 })
      await shop.drain()
      await expectNoLeak()
      expect(await tablesWith(['@example.com', 'payment_intent']), 'the search finds what is there').toEqual(
        expect.arrayContaining(['@example.com in holdfast.orders', 'payment_intent in holdfast.webhooks']),
      )
    })

    test('a secret given in the wrong place appears nowhere', async () => {
      const { lockId } = await shop.pay({}, { engine })
      const secret = await secretOf(lockId)
      for (const token of [secret, keys.secretKey, keys.webhookSecret, cardNumber, 'pm_canary4242', 'pi_canary4242']) {
        canaries.add(token)
        const { outcome } = await shop.pay({ token }, { engine })
        expect(outcome).toMatchObject({ status: 'failed', failure: { context: { reason: 'invalid_token' } } })
        thrown.push(outcome)
      }
      await caught(engine.startCheckout(secret, { sessionId: 'session' }))
      await caught(engine.processCheckout(cardNumber, { token: await cardToken() }))
      await caught(engine.captureCheckout(keys.secretKey))
      await engine.cancelCheckout(lockId)
      await expectNoLeak()
    })

    test('secrets appear nowhere when calls fail, are refused, or use the wrong account', async () => {
      for (const on of ['create', 'confirm', 'capture'] as const) {
        for (const fault of [
          { kind: 'lose_request' },
          { kind: 'server_error', effect: true },
          { kind: 'rate_limit' },
          { kind: 'refuse', message: `No such thing: ${cardNumber} ${keys.secretKey}` },
        ] as const) {
          const { lockId } = await shop.begin({ engine })
          shop.simulator.planFault({ fault, on, checkoutId: lockId })
          thrown.push(await caught(engine.processCheckout(lockId, { token: await cardToken() })))
        }
      }
      const { lockId } = await shop.begin({ engine: locked })
      expect(await locked.processCheckout(lockId, { token: await cardToken() })).toMatchObject({ status: 'processing' })
      await expectNoLeak()
      await shop.drain()
      const opened = await shop.pay({}, { engine })
      await secretOf(opened.lockId)
      expect(await caught(locked.getConfirmation(opened.lockId))).toBeInstanceOf(Error)
      expect(await caught(locked.reconcile({ hours: 1 }))).toBeInstanceOf(Error)
      await shop.pass(0)
      await expectNoLeak()
      await engine.cancelCheckout(opened.lockId)
    })

    test('the client secret is sent only to its own buyer, in the response that opens the form', async () => {
      const answers: { path: string; status: number; text: string }[] = []
      const browser = await browserOf(shop, engine, answers)
      const sku = await shop.store.article()
      await browser.send('POST', '/cart/lines', { sku, quantity: 1 })
      const pay = (body: object) =>
        browser.send('POST', '/checkout', { email: 'ada@example.com', shipping_address: address, ...body })
      for (const body of [
        { payment_method: 'card', payment_token: cardNumber },
        { payment_method: 'card', payment_token: 'pm_card_visa', notes: `my card is ${cardNumber}` },
        { payment_method: 'card', card: { number: cardNumber } },
      ]) {
        expect((await pay(body)).status).toBe(422)
      }
      const opened = await pay({ payment_method: 'card' })
      expect(opened.status).toBe(202)
      const { action, lock_id: lockId } = (await opened.json()) as {
        action: { client_secret: string }
        lock_id: string
      }
      expect(action.client_secret).toBe(await secretOf(lockId))
      await browser.send('GET', '/checkout')
      await browser.send('GET', '/checkout/status')
      await browser.open('/checkout')
      const stranger = await browserOf(shop, engine, answers)
      expect((await stranger.send('POST', '/checkout/resume', { lock_id: lockId })).status).toBe(404)
      await shop.confirmInBrowser(lockId, { payment_method: await cardToken('tok_chargeDeclined') })
      shop.simulator.planFault({ fault: { kind: 'server_error', effect: false }, on: 'retrieve', times: 9 })
      await browser.send('POST', '/checkout/resume', { lock_id: lockId })
      shop.simulator.clearFaults()
      await shop.store.wake(lockId)
      expect((await browser.send('POST', '/checkout/resume', { lock_id: lockId })).status).toBe(202)
      await shop.confirmInBrowser(lockId, { payment_method: await cardToken() })
      expect((await browser.send('POST', '/checkout/resume', { lock_id: lockId })).status).toBe(201)
      await browser.send('GET', '/checkout/status')
      // Two responses opened the form: the payment itself, and the buyer's return.
      const opening = answers.filter(({ text }) => text.includes('"client_secret"'))
      expect(opening.map(({ path, status }) => `${path} ${status}`)).toEqual(['/checkout 202', '/checkout/resume 202'])
      for (const { text } of opening) expect(text).toContain(keys.publishableKey)
      for (const canary of [...canaries, keys.publishableKey]) {
        const isAllowed = canary === action.client_secret || canary === keys.publishableKey
        const leaks = answers.filter(answer => answer.text.includes(canary) && !(isAllowed && opening.includes(answer)))
        expect(leaks, canary).toEqual([])
      }
      await expectNoLeak()
    })
  },
  ['postgres'],
)

async function browserOf(
  { store }: StripeShop,
  engine: CheckoutEngine,
  answers: { path: string; status: number; text: string }[],
) {
  const handler = createHttpHandler({
    engine,
    catalog: createCatalog(store.database, { currency: 'USD' }),
    carts: store.carts,
    config: { ...httpTestConfig, currency: 'USD' },
  })
  return openBrowser(async (request, environment) => {
    const response = await handler(request, environment)
    const text = `${await response.clone().text()} ${[...response.headers].flat().join(' ')}`
    answers.push({ path: new URL(request.url).pathname, status: response.status, text })
    return response
  })
}
