/**
 * The stand-in for Stripe.js that the simulator serves to browsers at Stripe's paths, `/v3/` and `/endive/stripe.js`.
 */
import { readFileSync } from 'node:fs'

const addresses = /^\/(v3\/?|([a-z]+\/)?stripe\.js)$/

export const isStripeJs = (pathname: string): boolean => addresses.test(pathname)

/** The file is read on the first request, for most simulators serve no browser. */
export function stripeJs(): Response {
  const script = readFileSync(new URL('../../assets/stripe.js', import.meta.url), 'utf8')
  return new Response(script, {
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    },
  })
}
