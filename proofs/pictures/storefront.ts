/** `npm run pictures:storefront`: the pictures of the demo store in the documentation, from a real server and browser. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { startServer } from '../../packages/cli/src/process/server.ts'
import { defaultConfig } from '../../packages/holdfast/src/config/config.ts'
import { silentLog } from '../../packages/holdfast/src/observe/log/log.ts'
import { withChromium } from './chromium.ts'

const directory = process.argv[2] ?? 'docs/images'
const details = {
  email: 'ada@example.com',
  'shipping_address.first_name': 'Ada',
  'shipping_address.last_name': 'Lovelace',
  'shipping_address.line_one': '12 St James Square',
  'shipping_address.postcode': 'SW1Y 4JH',
  'shipping_address.city': 'London',
}

/** Fills a cart and goes to the payment step of the checkout. */
async function toPayment(page: Page, at: string): Promise<void> {
  await page.goto(`${at}/p/three-strand-mooring-line`)
  await page.getByRole('button', { name: 'Add to cart' }).click()
  await page.locator('#cart-count[data-count="1"]').waitFor({ state: 'attached' })
  await page.goto(`${at}/checkout`)
  for (const [name, value] of Object.entries(details)) await page.locator(`[name="${name}"]`).fill(value)
  await page.locator('[name="shipping_address.country"]').selectOption('GB')
  await page.locator('#details button.primary').click()
  await page.locator('#methods input').first().waitFor()
  await page.locator('#shipping button.primary').click()
  await page.locator('#pay').waitFor()
}

const data = await mkdtemp(join(tmpdir(), 'holdfast-pictures-'))
const server = await startServer({
  config: { ...defaultConfig, port: 0, secret: 'pictures are made with this secret' },
  dataDirectory: data,
  log: silentLog,
  demo: true,
})
try {
  const [at = ''] = server.addresses
  await withChromium(async browser => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 860 }, deviceScaleFactor: 1 })
    await toPayment(page, at)
    await page.screenshot({ path: join(directory, 'checkout.png') })
  })
} finally {
  await server.close()
  await rm(data, { recursive: true, force: true })
}
