/** The guard before `/admin`: closed until a secret is configured, then open to whoever sends it as a bearer token. */
import { type Attempts, closed, guardWithBearer } from './bearer.ts'

export interface AdminGuardOptions {
  /** Null or empty: closed. */
  secret: string | null
  attempts: Attempts
}

export function guardAdmin({ secret, attempts }: AdminGuardOptions) {
  if (secret === null || secret === '') {
    return closed('admin_closed', 'Administration over HTTP is closed until CHECKOUT_ADMIN_SECRET is set.')
  }
  return guardWithBearer({ realm: 'admin', secret, refusal: 'admin_unauthorized', attempts })
}
