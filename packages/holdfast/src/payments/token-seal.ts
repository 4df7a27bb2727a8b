/**
 * Encryption of payment tokens at rest: another process can take over a checkout, and the database never holds a
 * readable token (A12). AES-256-GCM with a key derived from the application's secret. The checkout ID is authenticated,
 * so a sealed token opens only for its own checkout.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export interface TokenSeal {
  seal(checkoutId: string, token: string): string
  /** Returns the token, or null if it was sealed with a different secret or for another checkout. */
  open(checkoutId: string, sealed: string): string | null
}

/** @param secret at least 16 characters, the same in all processes that can take over each other's checkouts. */
export function createTokenSeal(secret: string): TokenSeal {
  const key = Buffer.from(hkdfSync('sha256', secret, 'holdfast', 'payment token', 32))
  return {
    seal(checkoutId, token) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      cipher.setAAD(Buffer.from(checkoutId))
      const body = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(checkoutId, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < 28) return null
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      decipher.setAAD(Buffer.from(checkoutId))
      decipher.setAuthTag(bytes.subarray(12, 28))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
      } catch {
        return null
      }
    },
  }
}
