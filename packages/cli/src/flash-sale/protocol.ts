/** What the sale and the processes of its shop say to each other: calls of buyers, their answers, and what went wrong. */
import type { AuditReport, OperationKind, SandboxFault } from 'holdfast'
import type { Acknowledged } from 'holdfast/operations'
import type { TemporaryDatabase } from './place.ts'

/** What a buyer is told of a checkout. */
export type Told =
  | { status: 'paid'; orderId: string }
  | { status: 'failed'; code: string }
  | { status: 'confirm'; reference: string }
  | { status: 'waits'; pollAfterMs: number }

/** Units of the article on sale: free, held by checkouts under way, sold. */
export interface Stock {
  free: number
  held: number
  sold: number
}

/** What the shop's books and those of the gateway say once all is over. */
export interface Reckoning {
  audit: AuditReport
  /** Checkouts that came to their end. */
  checkouts: number
  orders: number
  unitsSold: number
  /** Payments that took money for which there is no paid order. */
  chargedWithoutOrder: number
  /** Confirmations that the durable listener has delivered. */
  confirmations: number
}

/** The shop as its buyers and the sale reach it; each call may be made again where no answer came. */
export interface ShopCalls {
  /** Puts the article on sale and makes a cart a buyer, with so many units; gives their ids. Once. */
  fill(units: number, quantities: readonly number[]): Promise<string[]>
  start(cartId: string, sessionId: string): Promise<string>
  pay(lockId: string, sessionId: string, token: string): Promise<Told>
  resume(lockId: string, sessionId: string): Promise<Told>
  cancel(lockId: string, sessionId: string): Promise<Told>
  /** The buyer's word on the page of the bank. */
  confirm(reference: string, word: 'approve' | 'refuse'): Promise<null>
  /** The time of this lock is over; null: of everything that only waits for its time. */
  letTimePass(lockId: string | null): Promise<null>
  look(): Promise<Stock>
  /** One pass of everything that carries on by itself; gives how much is still open. */
  carryOn(): Promise<number>
  reckon(acknowledged: readonly Acknowledged[]): Promise<Reckoning>
}

export type CallName = keyof ShopCalls

export interface WorkerSettings {
  place: TemporaryDatabase
  /** Numbers of the engines that this process runs. */
  engines: readonly number[]
  /** Shared by every process of the shop. */
  secret: string
  /** Of a hundred calls to the gateway, so many go wrong. */
  faultPercent: number
}

export type ToWorker =
  | { kind: 'open'; settings: WorkerSettings }
  | { kind: 'call'; id: number; engine: number; name: CallName; given: readonly unknown[] }
  /** The engine dies where it stands; nothing it was doing is ever heard of again. */
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
