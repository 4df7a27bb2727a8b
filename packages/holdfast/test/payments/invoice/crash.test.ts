/** A process dies between any two steps of an order by invoice. The process that takes over reaches the same end. */
import { beforeAll, expect, test } from 'vitest'
import { type CrashPoint, type KillableProcess, killableProcess } from '../../../../testing/src/crash-points.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { createInvoiceGateway, type InvoiceGateway } from '../../../src/payments/invoice/invoice.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'
import { invoiceBooks, makeDue, wrongInvoices } from './fixture.ts'

const total = 2_500
const payment = { method: 'bank_transfer' as const }

/** The objects of one process. */
interface Shop {
  engine: CheckoutEngine
  invoices: InvoiceGateway
}

interface Buyer {
  sku: string
  cartId: string
  sessionId: string
}

/** A story is safe to repeat: a process that died may have made any of its calls before. */
type Story = (shop: Shop, buyer: Buyer, store: TestStore) => Promise<void>

async function orders({ engine }: Shop, { cartId, sessionId }: Buyer) {
  const order = (await engine.lastOrderOf(sessionId)) ?? (await placed())
  return { id: order?.checkoutId ?? '', order, reference: order?.metadata.transfer?.reference ?? '' }

  async function placed() {
    const { id } = await engine.startCheckout(cartId, { sessionId })
    const outcome = await engine.processCheckout(id, payment)
    return 'order' in outcome ? outcome.order : null
  }
}

const line = (buyer: Buyer) => ({
  amountMinor: total,
  currency: 'USD',
  statementLineId: `line of ${buyer.cartId}`,
  actor: 'Grace',
})

const pays: Story = async (shop, buyer) => {
  const { reference } = await orders(shop, buyer)
  await shop.invoices.markPaid(reference, line(buyer))
}

const lapses: Story = async (shop, buyer, store) => {
  const { id, order } = await orders(shop, buyer)
  if (order === null) return
  await makeDue(store.database, id)
  await store.wake(id)
  await shop.engine.recover()
}

const cancels: Story = async (shop, buyer) => {
  const { id, order } = await orders(shop, buyer)
  if (order !== null) await shop.engine.cancelCheckout(id)
}

const refunds: Story = async (shop, buyer, store) => {
  await pays(shop, buyer, store)
  const { order } = await orders(shop, buyer)
  await shop.engine.refundOrder(order?.id ?? '', { key: 'parcel', restock: true })
}

const undone = { state: 'failed', order: 'cancelled', holds: ['released'], holdsCart: false }
const kept = { authorizations: 1, openMinor: 0, capturedMinor: total, refundedMinor: 0 }

const stories: { title: string; story: Story; end: object; books: object; left: number; passes: CrashPoint[] }[] = [
  {
    title: 'that is paid',
    story: pays,
    end: { state: 'completed', order: 'paid', holds: ['committed'] },
    books: kept,
    left: 8,
    passes: ['after_commit:invoice_book_line', 'after_call:capture', 'before_commit:completed'],
  },
  {
    title: 'that lapses',
    story: lapses,
    end: { ...undone, code: 'authorization_ended' },
    books: { ...kept, capturedMinor: 0 },
    left: 10,
    passes: ['before_call:capture', 'after_call:capture', 'after_call:void', 'before_commit:failed'],
  },
  {
    title: 'that is cancelled',
    story: cancels,
    end: { ...undone, code: 'checkout_cancelled' },
    books: { ...kept, capturedMinor: 0 },
    left: 10,
    passes: ['before_commit:rolling_back', 'after_call:void', 'before_commit:failed'],
  },
  {
    title: 'that is refunded',
    story: refunds,
    end: { state: 'completed', order: 'refunded' },
    books: { ...kept, refundedMinor: total },
    left: 10,
    passes: ['after_commit:invoice_book_line', 'before_call:refund', 'after_call:refund'],
  },
]

describeStore(
  'A crash around an invoice',
  store => {
    const survivor = {} as Shop
    beforeAll(async () => Object.assign(survivor, await open()))

    async function open(life?: KillableProcess): Promise<Shop> {
      const database = life?.database ?? store.database
      const invoices = createInvoiceGateway({ database, onPaid: id => shop.engine.captureCheckout(id) })
      const ports = life === undefined ? {} : { database, clock: life.clock }
      const shop: Shop = { invoices, engine: await store.open({ ...ports, gateway: life?.gateway ?? invoices }) }
      return shop
    }

    async function run(story: Story, diesAt: CrashPoint | null) {
      const sku = await store.article({ stock: [6, 4] })
      const buyer = { sku, ...(await store.cart({ [sku]: 2 })) }
      // The gateway's books survive the process; only calls to them can be lost.
      const life = killableProcess(store.database, createInvoiceGateway({ database: store.database }), diesAt)
      const doomed = await open(life)
      await Promise.race([story(doomed, buyer, store), life.died])
      return { buyer, life }
    }

    test.each(stories)('an order $title ends in the same state wherever its process dies', async story => {
      const { life } = await run(story.story, null)
      expect(life.reached).toEqual(expect.arrayContaining(story.passes))
      for (const point of life.reached) {
        const { buyer } = await run(story.story, point)
        expect(await store.violations(), point).toEqual([])
        await store.sql(`update holdfast.checkouts set wake_at = now() where lease_owner is not null`)
        await survivor.engine.recover()
        await survivor.invoices.runOnce()
        await story.story(survivor, buyer, store)
        const [row] = await store.sql<{ id: string }>(
          'select id from holdfast.checkouts where cart_id = $1 order by locked_at limit 1',
          [buyer.cartId],
        )
        const id = row?.id ?? ''
        expect(await store.facts(id), point).toMatchObject(story.end)
        const published = `select id from holdfast.events where checkout_id = $1 and type = 'OrderAwaitingCapture'`
        expect(await store.sql(published, [id]), point).toHaveLength(1)
        expect(await invoiceBooks(store.database, id), point).toEqual(story.books)
        expect(await store.stock(buyer.sku), point).toEqual({ onHand: story.left, reserved: 0 })
      }
      expect(await wrongInvoices(store.database)).toEqual([])
    })
  },
  ['postgres'],
)
