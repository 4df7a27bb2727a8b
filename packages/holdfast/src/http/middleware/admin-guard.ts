/** The guard of `/admin`: closed until a secret is configured, then open to requests that send it as a bearer token. */
import { type Attempts, closed, guardWithBearer } from './bearer.ts'

export interface AdminGuardOptions {
  /** Null or empty: closed. */
  secret: string | null
  attempts: Attempts
}

export function guardAdmin({ secret, attempts }: AdminGuardOptions) {
  if (secret === null || secret === '') {
    return closed('admin_closed', 'The admin API is closed. Set CHECKOUT_ADMIN_SECRET to open it.')
  }
  return guardWithBearer({ realm: 'admin', secret, refusal: 'admin_unauthorized', attempts })
}
