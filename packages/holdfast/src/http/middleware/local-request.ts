/**
 * Detection of requests from this machine, the only ones that may see development pages. A shop that is reachable by
 * others without `NODE_ENV=production`, directly or through a proxy, shows them nothing.
 */
import type { HttpConfig, HttpContext } from '../context.ts'

/** Headers that proxies add. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** `addressOf` gives IPv6 addresses as /64 networks. The network of `::1` contains no other host in use. */
const isLoopback = (address: string) => /^127\.\d+\.\d+\.\d+$/.test(address) || address === '0:0:0:0::/64'

const isLocalName = (hostname: string) =>
  /^(?:.+\.)?localhost$/.test(hostname) || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** False for a shop with a public address or a trusted proxy: requests through them may appear to be local. */
export function servesOnlyThisMachine({ production, baseUrl = null, trustedProxyHeader = null }: HttpConfig): boolean {
  return !production && trustedProxyHeader === null && (baseUrl === null || isLocalName(new URL(baseUrl).hostname))
}

/**
 * True if the request comes from this machine, under a local host name. A foreign page could otherwise point its own
 * name at this machine (DNS rebinding) and read the responses.
 * @param address of the connected client. Null: unknown.
 */
export function isFromThisMachine(c: HttpContext, address: string | null): boolean {
  return (
    address !== null &&
    isLoopback(address) &&
    isLocalName(new URL(c.req.url).hostname) &&
    proxyHeaders.every(name => c.req.header(name) === undefined)
  )
}
