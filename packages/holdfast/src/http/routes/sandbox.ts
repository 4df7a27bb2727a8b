/**
 * The confirmation page of the sandbox gateway. It stands for a bank's page, so it uses no session of the shop: the
 * buyer may confirm on another device. Requests from other sites are rejected.
 */
import { z } from '@hono/zod-openapi'
import { returnLocation, sandboxPage } from '../../payments/sandbox/page.ts'
import type { HttpContext, SandboxControls } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { refuseCrossSite } from '../middleware/csrf.ts'
import { noStore } from '../no-store.ts'
import type { ShopParts } from '../shop-parts.ts'

const decisionSchema = z.enum(['approve', 'refuse'])

export function sandboxRoutes(app: HttpApp, shop: ShopParts, sandbox: SandboxControls): void {
  async function show(c: HttpContext, reference: string): Promise<Response> {
    const page = sandboxPage({
      payment: await sandbox.payment(reference),
      merchant: shop.config.shopName ?? 'Holdfast',
    })
    return c.body(page.html, page.status, {
      'Content-Type': 'text/html; charset=utf-8',
      ...noStore,
      'Content-Security-Policy': page.contentSecurityPolicy,
    })
  }

  app.get('/sandbox/pay/:reference', c => show(c, c.req.param('reference')))
  app.post('/sandbox/pay/:reference', async c => {
    refuseCrossSite(c.req.raw, shop.originOf(c))
    const reference = c.req.param('reference')
    const decision = decisionSchema.safeParse((await c.req.parseBody()).decision)
    if (!decision.success) throw new HttpError('invalid_request', 'The decision must be approve or refuse.')
    const payment = decision.data === 'approve' ? await sandbox.approve(reference) : await sandbox.refuse(reference)
    const location = payment === null ? null : returnLocation(payment)
    return location === null ? show(c, reference) : c.redirect(location, 303)
  })
}
