/**
 * The payment gateway of a soak, as the soak sees it: a process of its own that misbehaves and goes away, buyers' ways
 * to pay there, and books that are opened at the end. All that differs from one gateway to another is behind this.
 */
import type { Database } from '../../packages/holdfast/src/database/database.ts'
import type { Payment } from '../buyers/buyer.ts'
import type { ServerProcess, ServerProcessOptions } from '../processes/server-process.ts'
import type { Random } from '../random.ts'
import type { Promised } from './promised.ts'
import type { Finding } from './reckoning.ts'

export type GatewayName = 'sandbox' | 'stripe'

/** How a gateway goes away for a while, beside being frozen. */
export type Absence = 'gateway killed' | 'gateway unreachable'

/** What the gateway itself says of every payment, in the shop's database, at the end and to look at only. */
export interface Books {
  /** Its payments: a relation with `id`, `checkout_id`, `status`, `captured_minor` and `refunded_minor`. */
  payments: string
  /** What the audit can compare with. */
  ledger: 'sandbox' | undefined
  /** Of what the audit does not compare, by what it looked for. */
  findings: Record<string, Finding>
  /** Payments that were begun and never confirmed: they hold no money. Each in a few words. */
  leftovers: string[]
}

export interface SoakGateway {
  readonly name: GatewayName
  readonly process: ServerProcess
  /** Where the shop's servers reach it. */
  readonly url: string
  readonly absence: Absence
  readonly promised: Promised
  /** Says where its webhooks go, before it starts. */
  deliverTo(servers: readonly string[]): void
  /** Goes away and comes back; false where it was away already. */
  vanish(random: Random): Promise<boolean>
  /** From now on all goes as it should, but what is on its way. */
  calm(): Promise<void>
  /** How the next buyer pays. */
  payment(random: Random): Payment
  /** One that is approved at once. */
  readonly surePayment: Payment
  /** Ends the process and opens its books; once the servers have ended. */
  openBooks(database: Database): Promise<Books>
  close(): Promise<void>
}

export interface GatewayOptions {
  process: Omit<ServerProcessOptions, 'databaseUrl' | 'program' | 'environment'>
  /** Where everybody writes down what happened at the gateway. */
  journal: string
  secret: string
  seed: number
}

export interface ClientOptions {
  url: string
  webhookSecret: string
}
