/**
 * Requests of a browser on this machine, which alone may see what is shown while one develops. A shop that is served to
 * others without `NODE_ENV=production`, directly or through a proxy, shows them nothing.
 */
import type { HttpConfig, HttpContext } from '../context.ts'

/** What proxies add. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** `::1` as part of its network, which holds nobody else. */
const isLoopback = (address: string) => /^127\.\d+\.\d+\.\d+$/.test(address) || address === '0:0:0:0::/64'

const isLocalName = (hostname: string) =>
  /^(?:.+\.)?localhost$/.test(hostname) || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** False for a shop that has an address for others, or a proxy before it: what comes from there may look as from here. */
export function isForThisMachine({ production, baseUrl = null, trustedProxyHeader = null }: HttpConfig): boolean {
  return !production && trustedProxyHeader === null && (baseUrl === null || isLocalName(new URL(baseUrl).hostname))
}

/**
 * False also for a name that leads here from elsewhere: a foreign page may have its own name lead to this machine, and
 * would read the answers.
 * @param address of whoever is connected; null: it is not known.
 */
export function isOfThisMachine(c: HttpContext, address: string | null): boolean {
  return (
    address !== null &&
    isLoopback(address) &&
    isLocalName(new URL(c.req.url).hostname) &&
    proxyHeaders.every(name => c.req.header(name) === undefined)
  )
}
