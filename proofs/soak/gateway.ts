/**
 * The payment gateway of a soak: a separate process with faults and outages, the payment methods of buyers, and books
 * that are read at the end. All differences between gateways are behind this interface.
 */
import type { Database } from '../../packages/holdfast/src/database/database.ts'
import type { Payment } from '../buyers/buyer.ts'
import type { ServerProcess, ServerProcessOptions } from '../processes/server-process.ts'
import type { Random } from '../random.ts'
import type { Finding } from './comparison.ts'
import type { RequiredCoverage } from './required-coverage.ts'

export type GatewayName = 'sandbox' | 'stripe'

/** How a gateway becomes unavailable, besides being frozen. */
export type Absence = 'gateway killed' | 'gateway unreachable'

/** The gateway's own records, copied into the shop's database at the end for comparison. */
export interface Books {
  /** The payments: a relation with `id`, `checkout_id`, `status`, `captured_minor` and `refunded_minor`. */
  payments: string
  /** The ledger that the audit can read. */
  ledger: 'sandbox' | undefined
  /** Findings of the comparisons that the audit does not make, by name. */
  findings: Record<string, Finding>
  /** Descriptions of payments that were created but never confirmed; they hold no money. */
  leftovers: string[]
}

export interface SoakGateway {
  readonly name: GatewayName
  readonly process: ServerProcess
  /** The URL of the gateway for the shop's servers. */
  readonly url: string
  readonly absence: Absence
  readonly required: RequiredCoverage
  /** Sets the targets of webhooks; call it before the process starts. */
  deliverTo(servers: readonly string[]): void
  /** Makes the gateway unavailable for a while. False if it already is. */
  vanish(random: Random): Promise<boolean>
  /** Ends all faults, except of requests in progress. */
  calm(): Promise<void>
  /** The payment of the next buyer. */
  payment(random: Random): Payment
  /** A payment that is approved immediately. */
  readonly surePayment: Payment
  /** Stops the process and reads its books; call it after the servers have stopped. */
  openBooks(database: Database): Promise<Books>
  close(): Promise<void>
}

export interface GatewayOptions {
  process: Omit<ServerProcessOptions, 'databaseUrl' | 'program' | 'environment'>
  /** The journal file of events at the gateway. */
  journal: string
  secret: string
  seed: number
}

export interface ClientOptions {
  url: string
  webhookSecret: string
}
