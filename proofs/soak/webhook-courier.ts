/**
 * Delivers the gateway's webhooks to the shop's servers over HTTP: some twice, late, out of order, or never, and some
 * forged. The journal records whether a forged webhook was accepted, which must never happen.
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

/** Delivers a webhook. @throws to have it sent again. */
export type Courier = (headers: Headers, body: string) => Promise<void>

/** Returns the headers that sign a webhook the way the gateway does. */
export type SignatureHeaders = (secret: string, body: string, atMs: number) => Readonly<Record<string, string>>

export interface CourierOptions {
  /** The URLs of the shop's servers. */
  servers: readonly string[]
  /** The gateway's name in the webhook path of the shop. */
  gateway: string
  signatureHeaders: SignatureHeaders
  random: Random
  journal: Journal
  webhookSecret: string
  /** True: every webhook is delivered normally. */
  isCalm(): boolean
}

export function createCourier(options: CourierOptions): Courier {
  const { servers, gateway, signatureHeaders, random, journal, webhookSecret, isCalm } = options
  const next = dealer(random, ways)
  /** A webhook that waits until the next one has overtaken it. */
  let waiting: (() => Promise<void>) | null = null

  async function post(headers: Headers, body: string): Promise<Response> {
    const url = `${random.pick(servers)}/webhooks/${gateway}`
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(answerMs) })
    await response.body?.cancel()
    return response
  }

  async function deliver(headers: Headers, body: string): Promise<void> {
    const response = await post(headers, body)
    if (!response.ok) throw new Error(`the shop answered the webhook with ${response.status}`)
  }

  /** Sends a forged webhook. */
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
        await forge(headers, body, signatureHeaders('a different secret', body, Date.now()))
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
