/** The parts of a shop that its routes use, created once per handler. */
import type {
  HttpConfig,
  HttpContext,
  SandboxControls,
  ShippingMethod,
  ShopCarts,
  ShopCatalog,
  ShopEngine,
} from './context.ts'
import type { LiveStatus } from './live-status.ts'
import type { Csrf } from './middleware/csrf.ts'
import type { Sessions } from './middleware/session.ts'
import type { PageSet } from './pages.ts'

export interface ShopParts {
  engine: ShopEngine
  catalog: ShopCatalog
  carts: ShopCarts
  /** Null if another gateway takes the payments. */
  sandbox: SandboxControls | null
  config: HttpConfig
  sessions: Sessions
  csrf: Csrf
  /** Null: requests for HTML are answered with 406. */
  pages: PageSet | null
  live: LiveStatus
  shippingMethods(): Promise<readonly ShippingMethod[]>
  /**
   * Counts one `POST /checkout`. Gives the rate limit headers of the response.
   * @throws {HttpError} `rate_limited`
   */
  throttle(c: HttpContext): Promise<Record<string, string>>
  /** The public origin of the shop: "https://shop.example". */
  originOf(c: HttpContext): string
}
