/** The public entry `holdfast/http`: fetch handlers, and the port for server-rendered pages. */
export { isCountry } from '../domain/address.ts'
export { presentAddress } from '../domain/present.ts'
export { createHttpHandler, type HttpHandler, type HttpOptions } from './app.ts'
export type { HttpConfig, HttpContext, HttpEnvironment, HttpLog } from './context.ts'
export type { Refusal } from './errors.ts'
export type {
  CheckoutView,
  HomeView,
  Html,
  PageAsset,
  PageFrame,
  PageSet,
  PaymentForm,
  ShownMail,
} from './pages.ts'
export type { PresentedCart, PresentedTotals } from './present.ts'
export { createWorkerHandler } from './worker-app.ts'
