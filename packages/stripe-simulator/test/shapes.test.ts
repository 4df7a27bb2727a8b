/** Compares the simulator's objects with Stripe's fixtures: no field of Stripe's may be missing. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { bench, hold } from './fixture.ts'

const file = fileURLToPath(new URL('../../../../shared/data/stripe/fixtures3.json', import.meta.url))

type Json = Record<string, unknown>
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Fields that only Stripe's fixtures have: an expansion, and a payment method of a different type. */
const notOurs = new Set(['charge.refunds', 'confirmation_token.payment_method_preview.us_bank_account'])

function missingKeys(ours: unknown, theirs: Json, path: string): string[] {
  if (!isJson(ours)) return []
  return Object.entries(theirs).flatMap(([key, value]) => {
    const at = `${path}.${key}`
    if (notOurs.has(at)) return []
    if (!(key in ours)) return [at]
    return isJson(value) && !['metadata', 'object'].includes(key) ? missingKeys(ours[key], value, at) : []
  })
}

describe.skipIf(!existsSync(file))('shapes', () => {
  let fixtures: Json = {}
  beforeAll(() => {
    fixtures = (JSON.parse(readFileSync(file, 'utf8')) as { resources: Json }).resources
  })

  it.each([
    'payment_intent',
    'charge',
    'refund',
    'dispute',
    'event',
    'payment_method',
    'confirmation_token',
    'balance',
  ])('%s has every field of Stripe’s', async name => {
    const { stripe, simulator } = bench()
    const intent = await hold(stripe, { capture_method: 'automatic' })
    const chargeId = String(intent.latest_charge)
    const made: Record<string, () => Promise<unknown>> = {
      payment_intent: async () => intent,
      charge: () => stripe.charges.retrieve(chargeId),
      refund: () => stripe.refunds.create({ payment_intent: intent.id, amount: 100 }),
      dispute: () => stripe.disputes.retrieve(simulator.dispute(chargeId)),
      event: async () => (await stripe.events.list()).data[0],
      payment_method: () => stripe.paymentMethods.retrieve(String(intent.payment_method)),
      confirmation_token: () => stripe.testHelpers.confirmationTokens.create({ payment_method: 'pm_card_visa' }),
      balance: () => stripe.balance.retrieve(),
    }
    const ours = await made[name]?.()
    expect(isJson(ours)).toBe(true)
    expect(missingKeys(ours, fixtures[name] as Json, name)).toEqual([])
  })
})
