/**
 * The way of the gateway's webhooks to the shop, over real HTTP to any of its servers: some come twice at once, late, out
 * of order or never, and some are forged. A forged one that is accepted is written down, for it must never be.
 */
import { dealer, type Random } from '../random.ts'
import type { Journal } from './journal.ts'

export const ways = {
  plain: 5,
  twice: 2,
  delayed: 2,
  lost: 1,
  overtaken: 1,
  tampered: 1,
  'wrong secret': 1,
  stale: 1,
} as const
const answerMs = 5_000
const staleMs = 10 * 60_000

/** Takes a webhook on its way; throws to have it sent again. */
export type Courier = (headers: Headers, body: string) => Promise<void>

/** Returns the headers that sign a webhook the way the gateway does. */
export type SignatureHeaders = (secret: string, body: string, atMs: number) => Readonly<Record<string, string>>

export interface CourierOptions {
  /** Addresses of the shop's servers. */
  servers: readonly string[]
  /** The gateway's name in the shop's address for its webhooks. */
  gateway: string
  signatureHeaders: SignatureHeaders
  random: Random
  journal: Journal
  webhookSecret: string
  /** From then on every webhook goes its way as it should. */
  isCalm(): boolean
}

export function createCourier(options: CourierOptions): Courier {
  const { servers, gateway, signatureHeaders, random, journal, webhookSecret, isCalm } = options
  const next = dealer(random, ways)
  /** One that waits to be overtaken by the next. */
  let waiting: (() => Promise<void>) | null = null

  async function post(headers: Headers, body: string): Promise<Response> {
    const url = `${random.pick(servers)}/webhooks/${gateway}`
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(answerMs) })
    await response.body?.cancel()
    return response
  }

  async function deliver(headers: Headers, body: string): Promise<void> {
    const response = await post(headers, body)
    if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`)
  }

  /** Tries to pass something off as the gateway's word. */
  async function forge(headers: Headers, body: string, signed: Readonly<Record<string, string>>): Promise<void> {
    const forged = new Headers(headers)
    for (const [name, value] of Object.entries(signed)) forged.set(name, value)
    const response = await post(forged, body).catch(() => null)
    if (response !== null && response.status !== 503) journal.note(`forged ${response.ok ? 'accepted' : 'refused'}`)
  }

  async function carry(way: keyof typeof ways, headers: Headers, body: string): Promise<void> {
    switch (way) {
      case 'plain':
        return deliver(headers, body)
      case 'twice':
        await Promise.all([deliver(headers, body), deliver(headers, body)])
        return
      case 'delayed':
        setTimeout(() => void deliver(headers, body).catch(() => {}), random.between(1_000, 10_000))
        return
      case 'lost':
        return
      case 'overtaken':
        waiting = () => deliver(headers, body)
        return
      case 'tampered':
        await forge(headers, body.replace('{"id":"', '{"id":"f'), {})
        return deliver(headers, body)
      case 'wrong secret':
        await forge(headers, body, signatureHeaders('some other secret', body, Date.now()))
        return deliver(headers, body)
      case 'stale':
        await forge(headers, body, signatureHeaders(webhookSecret, body, Date.now() - staleMs))
        return deliver(headers, body)
      default:
        return way satisfies never
    }
  }

  return async (headers, body) => {
    const overtaken = waiting
    waiting = null
    const way = isCalm() ? 'plain' : next()
    journal.note(`webhook ${way}`)
    await carry(way, headers, body)
    await overtaken?.()
  }
}
