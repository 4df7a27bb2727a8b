/** Messages between the sale and the processes of its shop: calls, answers, and faults. */
import type { AuditReport, OperationKind, SandboxFault } from 'holdfast'
import type { Acknowledged } from 'holdfast/operations'
import type { SaleDatabase } from './sale-database.ts'

/** The answer of a checkout to its buyer. */
export type BuyerAnswer =
  | { status: 'paid'; orderId: string }
  | { status: 'failed'; code: string }
  | { status: 'confirm'; reference: string }
  | { status: 'waits'; pollAfterMs: number }

/** Units on sale: free, held by active checkouts, sold. */
export interface Stock {
  free: number
  held: number
  sold: number
}

/** The final records of the shop and of the gateway. */
export interface SaleTotals {
  audit: AuditReport
  /** Ended checkouts. */
  checkouts: number
  orders: number
  unitsSold: number
  /** Captured payments without a paid order. */
  chargedWithoutOrder: number
  /** Confirmations delivered by the durable listener. */
  confirmations: number
}

/** The calls of buyers and of the sale. Each may be repeated if no answer came. */
export interface ShopCalls {
  /** Creates the product and one cart per quantity; returns the cart IDs. Call it once. */
  fill(units: number, quantities: readonly number[]): Promise<string[]>
  start(cartId: string, sessionId: string): Promise<string>
  pay(lockId: string, sessionId: string, token: string): Promise<BuyerAnswer>
  resume(lockId: string, sessionId: string): Promise<BuyerAnswer>
  cancel(lockId: string, sessionId: string): Promise<BuyerAnswer>
  /** The buyer's decision on the bank's page. */
  confirm(reference: string, word: 'approve' | 'refuse'): Promise<null>
  /** Expires this lock; null: every lock that is waiting for its buyer. */
  expireLocks(lockId: string | null): Promise<null>
  stock(): Promise<Stock>
  /** One pass of all workers; returns how much is unfinished. */
  recover(): Promise<number>
  readTotals(acknowledged: readonly Acknowledged[]): Promise<SaleTotals>
}

export type CallName = keyof ShopCalls

export interface WorkerSettings {
  place: SaleDatabase
  /** Numbers of the engines in this process. */
  engines: readonly number[]
  /** Shared by every process of the shop. */
  secret: string
  /** Percentage of faulty gateway calls. */
  faultPercent: number
}

export type ToWorker =
  | { kind: 'open'; settings: WorkerSettings }
  | { kind: 'call'; id: number; engine: number; name: CallName; given: readonly unknown[] }
  /** Abandons the engine mid-work; its calls get no answer. */
  | { kind: 'abandon'; engine: number }
  | { kind: 'revive'; engine: number }
  | { kind: 'no more faults' }

export type FromWorker =
  | { kind: 'open'; engine: number | null }
  | { kind: 'broken'; reason: string }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; code: string; again: boolean }
  | { kind: 'took over'; engine: number; lockIds: string[] }
  | { kind: 'fault'; fault: SandboxFault; call: OperationKind }
