/** Checks of `inspect` and `list`, the optional calls with which reconciliation reads the books of a gateway. */
import assert from 'node:assert/strict'
import type { GatewayPayment } from 'holdfast'
import { amountMinor, buyer, currency, expectSucceeded, type GatewayUnderTest } from './gateway-buyer.ts'
import type { GatewayCheck } from './gateway-check.ts'

const deadline = () => AbortSignal.timeout(20_000)
/** Enough payments to have some before and some after the middle one. */
const buyersCount = 7
const pagesMax = 10_000

async function inspected({ gateway }: GatewayUnderTest, reference: string): Promise<GatewayPayment> {
  const payment = (await gateway.inspect?.(reference, deadline())) ?? null
  assert.ok(payment, 'inspect finds a payment by its reference')
  return payment
}

/** Checks that `inspect` agrees with the books and with the operations so far. */
async function expectInspection(
  under: GatewayUnderTest,
  { checkoutId, reference }: { checkoutId: string; reference: string },
  expected: Pick<GatewayPayment, 'status' | 'openMinor' | 'capturedMinor' | 'refundedMinor'>,
): Promise<void> {
  const payment = await inspected(under, reference)
  const { status, openMinor, capturedMinor, refundedMinor } = payment
  assert.deepEqual({ status, openMinor, capturedMinor, refundedMinor }, expected)
  assert.deepEqual([payment.reference, payment.checkoutId, payment.currency], [reference, checkoutId, currency])
  assert.equal(Number.isNaN(Date.parse(payment.createdAt)), false, 'createdAt is a time')
  assert.deepEqual(payment.disputes, [])
  const books = await under.books(checkoutId)
  assert.deepEqual(
    { openMinor, capturedMinor, refundedMinor },
    { openMinor: books.openMinor, capturedMinor: books.capturedMinor, refundedMinor: books.refundedMinor },
  )
}

/** All payments since a time, read page by page. */
async function listed(
  { gateway }: GatewayUnderTest,
  since: Date,
  from: string | null = null,
): Promise<GatewayPayment[]> {
  const payments: GatewayPayment[] = []
  let after = from
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = (await gateway.list?.({ since, after, signal: deadline() })) ?? []
    payments.push(...page)
    const last = page.at(-1)
    if (last === undefined) return payments
    after = last.reference
  }
  throw new assert.AssertionError({ message: 'the list has an end' })
}

export const bookChecks: readonly GatewayCheck[] = [
  {
    id: 'inspects_a_payment',
    title:
      'inspects an authorized, captured, partly refunded, and voided payment, and returns null for an unknown reference',
    calls: 'inspect',
    async run(under) {
      const { authorized, capture, checkoutId, refund } = buyer(under)
      const reference = await authorized()
      const held = { status: 'authorized', openMinor: amountMinor, capturedMinor: 0, refundedMinor: 0 } as const
      await expectInspection(under, { checkoutId, reference }, held)
      expectSucceeded(await capture(reference), 'capture')
      const taken = { status: 'captured', openMinor: 0, capturedMinor: amountMinor, refundedMinor: 0 } as const
      await expectInspection(under, { checkoutId, reference }, taken)
      expectSucceeded(await refund(reference, { amountMinor: 700 }), 'refund')
      await expectInspection(under, { checkoutId, reference }, { ...taken, refundedMinor: 700 })
      const other = buyer(under)
      const ended = { checkoutId: other.checkoutId, reference: await other.authorized() }
      expectSucceeded(await other.void(ended.reference), 'void')
      await expectInspection(under, ended, { status: 'ended', openMinor: 0, capturedMinor: 0, refundedMinor: 0 })
      assert.equal(await under.gateway.inspect?.('no-such-payment', deadline()), null)
    },
  },
  {
    id: 'lists_payments',
    title: 'lists the payments since a time, newest first, page by page, each once and in its current state',
    calls: 'list',
    async run(under) {
      const references: string[] = []
      for (let index = 0; index < buyersCount; index += 1) references.push(await buyer(under).authorized())
      const [first = ''] = references
      const since = new Date((await inspected(under, first)).createdAt)
      const all = await listed(under, since)
      const names = all.map(({ reference }) => reference)
      assert.equal(new Set(names).size, names.length, 'no payment is listed twice')
      for (const reference of references) assert.ok(names.includes(reference), 'every payment is listed')
      for (const [index, payment] of all.entries()) {
        const madeAt = Date.parse(payment.createdAt)
        assert.ok(madeAt >= since.getTime(), 'no payment is older than requested')
        assert.ok(index === 0 || madeAt <= Date.parse(all[index - 1]?.createdAt ?? ''), 'newest first')
      }
      const middle = references[Math.floor(buyersCount / 2)] ?? ''
      const rest = (await listed(under, since, middle)).map(({ reference }) => reference)
      assert.deepEqual(rest, names.slice(names.indexOf(middle) + 1), 'a page goes on after the payment that is named')
      const one = all.find(({ reference }) => reference === middle)
      assert.deepEqual(one, await inspected(under, middle), 'the list agrees with inspect')
    },
  },
]
