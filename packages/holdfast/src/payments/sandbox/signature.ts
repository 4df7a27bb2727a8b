/**
 * Signatures of the sandbox's webhooks: `holdfast-signature: t=<unix seconds>,v1=<HMAC-SHA256 of "t.body", hex>`.
 * Only who knows a secret can make one, and an old one cannot be sent again.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const signatureHeader = 'holdfast-signature'

/** How far the time of a signature may be from now, either way. */
const toleranceMs = 5 * 60_000

const digest = (secret: string, seconds: number, body: string): Buffer =>
  createHmac('sha256', secret).update(`${seconds}.${body}`).digest()

export function sign(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000)
  return `t=${seconds},v1=${digest(secret, seconds, body).toString('hex')}`
}

/**
 * When a body was signed (milliseconds), if one of the secrets signed it; else null. Whether that is recent enough is
 * the caller's to say: it needs the time.
 */
export function signedAt(secrets: readonly string[], header: string | null, body: string): number | null {
  if (header === null || header.length > 1_000) return null
  const parts = header.split(',').map(part => part.trim())
  const seconds = parts.map(part => /^t=(\d{1,12})$/.exec(part)?.[1]).find(found => found !== undefined)
  if (seconds === undefined) return null
  const given = parts.flatMap(part => /^v1=([0-9a-f]{64})$/.exec(part)?.[1] ?? []).map(hex => Buffer.from(hex, 'hex'))
  const genuine = secrets
    .map(secret => digest(secret, Number(seconds), body))
    .map(expected => given.map(each => timingSafeEqual(each, expected)).includes(true))
    .includes(true)
  return genuine ? Number(seconds) * 1_000 : null
}

export const isRecent = (signedAtMs: number, nowMs: number): boolean => Math.abs(nowMs - signedAtMs) <= toleranceMs
