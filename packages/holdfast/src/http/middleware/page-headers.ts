/** The headers of every answer: what a page may load, who may frame it, what it tells others. Wider on one page alone. */
import { secureHeaders } from 'hono/secure-headers'
import type { StripeForm } from '../stripe-form.ts'

interface PageHeaders {
  production: boolean
  form: StripeForm | null
  framesOwn?: boolean
}

/**
 * Headers that a route has set itself are left as they are.
 * @param form of Stripe, on the page that shows it: its hosts are allowed there, and the windows that wallets open.
 * @param framesOwn the page shows another of this site in a frame.
 */
export function pageHeaders({ production, form, framesOwn = false }: PageHeaders) {
  const { scripts = [], connections = [] } = form?.allowed ?? {}
  const frames = [...(form?.allowed.frames ?? []), ...(framesOwn ? ["'self'"] : [])]
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'", ...scripts],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:', 'https:'],
      connectSrc: ["'self'", ...connections],
      fontSrc: ["'self'"],
      ...(frames.length === 0 ? {} : { frameSrc: frames }),
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    ...(form === null ? {} : { crossOriginOpenerPolicy: 'same-origin-allow-popups' }),
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
    strictTransportSecurity: production ? 'max-age=31536000; includeSubDomains' : false,
    permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
    overwrite: false,
  })
}
