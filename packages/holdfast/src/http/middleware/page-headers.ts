/** Security headers of every response: what a page may load, who may frame it, and which referrer it sends. */
import { secureHeaders } from 'hono/secure-headers'
import type { StripeForm } from '../stripe-form.ts'

interface PageHeaders {
  production: boolean
  form: StripeForm | null
  framesOwn?: boolean
}

/**
 * Headers that a route sets itself are kept.
 * @param form Stripe's form, on the page that shows it. Its hosts are allowed there, and so are the windows of wallets.
 * @param framesOwn true if the page frames another page of this site.
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
