/** An order, frozen from the price snapshots. Money is in integer minor units of `currency`. */
import type { Address } from './cart.ts'

export type OrderStatus = 'pending' | 'paid' | 'cancelled' | 'partially_refunded' | 'refunded'

export interface OrderLine {
  lineNo: number
  sku: string
  title: string
  quantity: number
  unitMinor: number
  subtotalMinor: number
  discountMinor: number
  taxMinor: number
  totalMinor: number
  /** Units that refunds were for; 0 to `quantity`. */
  refundedQuantity: number
}

/** What the gateway said of the capture. */
export interface OrderPayment {
  capture_id: string
  authorization_id: string
  status: 'captured'
  amount: number
  currency: string
  captured_at: string
  gateway_response: Record<string, unknown>
}

/** How a buyer pays an order by bank transfer: its total, in its currency. Nothing in it is secret. */
export interface Transfer {
  /** What to write on the transfer: a creditor reference (ISO 11649), "RF69100001". */
  reference: string
  /** Whose account it goes to; null where the shop says so elsewhere. */
  iban: string | null
  accountHolder: string | null
  /** ISO 8601. Unpaid by then, the order is cancelled. */
  dueAt: string
}

/** What a buyer contested at the bank, as the gateway says of it. */
export interface OrderDispute {
  /** The gateway's id of it. */
  id: string
  /** In the gateway's own words: "needs_response", "won" … */
  status: string
  reason: string
  /** Minor units of the order's currency. */
  amount: number
}

export interface OrderMetadata {
  /** Where it is paid later, by bank transfer. */
  transfer?: Transfer
  /** Once it was captured. */
  payment?: OrderPayment
  /** Each once, as it stands. */
  disputes?: OrderDispute[]
}

export interface Order {
  id: string
  /** Human-readable, increasing, not gapless: "100001". */
  number: string
  checkoutId: string
  sessionId: string
  userId: string | null
  email: string | null
  status: OrderStatus
  currency: string
  subtotalMinor: number
  discountMinor: number
  taxMinor: number
  shippingMinor: number
  totalMinor: number
  refundedMinor: number
  /** A refund was for the shipping cost, whatever amount was given back for it. */
  shippingRefunded: boolean
  couponCode: string | null
  shippingAddress: Address | null
  billingAddress: Address | null
  shippingMethod: string | null
  notes: string | null
  metadata: OrderMetadata
  lines: OrderLine[]
  placedAt: string
  paidAt: string | null
  cancelledAt: string | null
}
