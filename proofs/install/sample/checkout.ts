/** A checkout as an application writes it: a product is imported, put into a cart, and paid with the sandbox gateway. */
import { randomUUID } from 'node:crypto'
import { type Order, requireOrder } from 'holdfast'
import { createShop, importProducts, upsertShippingMethod } from 'holdfast/shop'

const products = `Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Published
mug,Mug,Title,Default Title,MUG,5,12.50,true
`

async function* textOf(text: string): AsyncGenerator<string> {
  yield text
}

const shop = await createShop({
  database: process.env.DATABASE_URL,
  currency: 'EUR',
  config: { secret: 'the secret of the installation proof' },
  listeners: { CheckoutCompleted: [{ name: 'fulfil', async run() {} }] },
})
try {
  await importProducts(shop.database, textOf(products), { currency: 'EUR' })
  const rates = [{ country: '*', currency: 'EUR', amountMinor: 490 }]
  await upsertShippingMethod(shop.database, { code: 'standard', name: 'Standard', rates })
  const sessionId = randomUUID()
  const cartId = await shop.carts.createCart({
    sessionId,
    email: 'ada@example.com',
    lines: [{ sku: 'MUG', quantity: 2 }],
    shippingAddress: {
      firstName: 'Ada',
      lastName: 'Byron',
      lineOne: 'Lindenallee 1',
      city: 'Berlin',
      postcode: '10115',
      country: 'DE',
    },
  })
  const lock = await shop.engine.startCheckout(cartId, { sessionId })
  const outcome = await shop.engine.processCheckout(lock.id, { method: 'card', token: 'tok_approve' })
  const order: Order = requireOrder(outcome)
  const response = await shop.handler(new Request('http://shop.example/health/live'))
  process.stdout.write(`${JSON.stringify({ total: order.totalMinor, status: order.status, live: response.status })}\n`)
} finally {
  await shop.close()
}
