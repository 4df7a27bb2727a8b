/** What the routes share: the shop's parts, with session, guards and limits made once for an app. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Cart } from '../domain/cart.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import type {
  HttpConfig,
  HttpContext,
  HttpEnvironment,
  RequestVariables,
  SandboxControls,
  ShippingMethod,
  ShopCarts,
  ShopCatalog,
  ShopEngine,
} from './context.ts'
import { HttpError } from './errors.ts'
import type { LiveStatus } from './live-status.ts'
import type { Csrf } from './middleware/csrf.ts'
import type { Sessions } from './middleware/session.ts'
import type { PageSet } from './pages.ts'
import { invalidRequest } from './schemas/validation-issues.ts'

export type HttpApp = OpenAPIHono<{ Bindings: HttpEnvironment; Variables: RequestVariables }>

export interface Shop {
  engine: ShopEngine
  catalog: ShopCatalog
  carts: ShopCarts
  sandbox: SandboxControls | null
  config: HttpConfig
  sessions: Sessions
  csrf: Csrf
  /** Null: requests for HTML are answered with 406. */
  pages: PageSet | null
  live: LiveStatus
  shippingMethods(): Promise<readonly ShippingMethod[]>
  /** Counts a `POST /checkout` and gives the headers to answer with. */
  throttle(c: HttpContext): Promise<Record<string, string>>
  /** Where this shop is reached from outside, without a path: "https://shop.example". */
  originOf(c: HttpContext): string
}

/** An app whose inputs are refused in one way: a path that names nothing is 404, anything else is 422. */
export function createApp(): HttpApp {
  return new OpenAPIHono<{ Bindings: HttpEnvironment; Variables: RequestVariables }>({
    defaultHook: (result: { success: boolean; target: string; error?: Parameters<typeof invalidRequest>[0] }) => {
      if (result.success || result.error === undefined) return
      throw result.target === 'param'
        ? new HttpError('not_found', 'There is nothing here.')
        : invalidRequest(result.error)
    },
  })
}

/** True when the client wants a page to look at, not data. */
export function wantsPage(c: HttpContext): boolean {
  return c.req.header('x-requested-with') === undefined && (c.req.header('accept') ?? '').includes('text/html')
}

/** The session's cart, null where there is no session or nothing in it yet. */
export async function cartOf(shop: Shop, c: HttpContext): Promise<Cart | null> {
  const sessionId = c.get('sessionId')
  return sessionId === null ? null : shop.carts.currentCart(sessionId)
}

/**
 * The checkout a request is about: the one it names, else the one that holds the session's cart; null when there is none.
 * @throws {CheckoutError} `checkout_not_found` when it names one that is not this session's.
 */
export async function lockOf(shop: Shop, c: HttpContext, lockId: string | undefined): Promise<CheckoutLock | null> {
  const sessionId = c.get('sessionId')
  if (lockId !== undefined) {
    const status = sessionId === null ? null : await shop.engine.getCheckoutStatus(lockId, { sessionId })
    if (status === null) throw new CheckoutError('checkout_not_found', 'There is no such checkout.')
    return status.lock
  }
  const cart = await cartOf(shop, c)
  const lock = cart === null ? null : await shop.engine.getActiveLock(cart.id)
  return lock?.sessionId === sessionId ? lock : null
}
