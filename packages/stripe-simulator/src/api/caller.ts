/** The caller of the API: a secret or a publishable key, and the API version. */

import { apiVersion } from '../world/world.ts'
import type { FormFields } from './form.ts'
import { invalid, StripeRefusal, unauthorized } from './refusal.ts'

export interface Keys {
  /** Null: any test key. */
  secretKey: string | null
  publishableKey: string | null
}

function givenKey(headers: Headers, params: FormFields): string | null {
  const header = headers.get('authorization')
  if (header === null) return typeof params.key === 'string' ? params.key : null
  const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)$/.exec(header.trim()) ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() !== 'basic') return null
  return Buffer.from(value, 'base64').toString('utf8').split(':')[0] ?? null
}

const redacted = (key: string): string =>
  key.length < 16 ? '*'.repeat(key.length) : `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}`

/** @throws {StripeRefusal} 401 */
export function authenticateCaller(headers: Headers, params: FormFields, keys: Keys): { isPublishable: boolean } {
  const key = givenKey(headers, params)
  if (key === null || key === '') {
    throw unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
    )
  }
  const isSecret = keys.secretKey === null ? /^[sr]k_test_\w+$/.test(key) : key === keys.secretKey
  const isPublishable = keys.publishableKey === null ? /^pk_test_\w+$/.test(key) : key === keys.publishableKey
  if (!isSecret && !isPublishable) throw unauthorized(`Invalid API Key provided: ${redacted(key)}`)
  return { isPublishable: !isSecret }
}

export const secretKeyRequired = () =>
  unauthorized(
    'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.',
    { code: 'secret_key_required' },
  )

/** @throws {StripeRefusal} for a call on behalf of another account; the simulator has only one. */
export function requireOwnAccount(headers: Headers): void {
  const account = headers.get('stripe-account')
  if (account === null) return
  throw new StripeRefusal(403, {
    type: 'invalid_request_error',
    code: 'account_invalid',
    message: `The provided key does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`,
  })
}

/** @throws {StripeRefusal} for an invalid version. */
export function versionOf(headers: Headers): string {
  const version = headers.get('stripe-version') ?? apiVersion
  if (!/^20\d\d-[01]\d-[0-3]\d(\.[a-z]+)?(;.*)?$/.test(version)) {
    throw invalid(`Invalid Stripe API version: ${version.slice(0, 100)}`)
  }
  return version
}
