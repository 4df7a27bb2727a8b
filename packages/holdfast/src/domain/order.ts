/** An order, created from the price snapshots. Amounts are integer minor units of `currency`. */
import type { Address } from './cart.ts'

/** `pending`: not paid yet. */
export type OrderStatus = 'pending' | 'paid' | 'cancelled' | 'partially_refunded' | 'refunded'

/** One line of an order. */
export interface OrderLine {
  /** From 1. */
  lineNo: number
  sku: string
  title: string
  quantity: number
  /** Price of one unit. */
  unitMinor: number
  /** Unit price × quantity. */
  subtotalMinor: number
  /** This line's share of the discount. */
  discountMinor: number
  /** All tax of the line, whether included in the price or added. */
  taxMinor: number
  /** Subtotal − discount + added tax. */
  totalMinor: number
  /** Refunded units, 0 to `quantity`. */
  refundedQuantity: number
}

/** The capture, as the gateway confirmed it. */
export interface OrderPayment {
  capture_id: string
  authorization_id: string
  status: 'captured'
  /** Minor units. */
  amount: number
  currency: string
  /** ISO 8601. */
  captured_at: string
  gateway_response: Record<string, unknown>
}

/** How to pay an order by bank transfer: its total, in its currency. Contains no secret. */
export interface Transfer {
  /** Remittance reference: a creditor reference (ISO 11649) such as "RF69100001". */
  reference: string
  /** The shop's account. Null if the shop states it elsewhere. */
  iban: string | null
  accountHolder: string | null
  /** ISO 8601. An order that is unpaid then is cancelled. */
  dueAt: string
}

/** A dispute (chargeback), as the gateway reports it. */
export interface OrderDispute {
  /** The gateway's ID of the dispute. */
  id: string
  /** The gateway's status, such as "needs_response" or "won". */
  status: string
  /** The gateway's reason, such as "fraudulent". */
  reason: string
  /** Minor units of the order's currency. */
  amount: number
}

/** Additional data of an order. */
export interface OrderMetadata {
  /** Set if the order is paid by bank transfer. */
  transfer?: Transfer
  /** Set once the payment is captured. */
  payment?: OrderPayment
  /** The current state of each dispute. */
  disputes?: OrderDispute[]
}

/** An order with its lines. Times are ISO 8601, by the database's clock. */
export interface Order {
  id: string
  /** Order number for people, such as "100001". Increasing, with gaps. */
  number: string
  checkoutId: string
  sessionId: string
  userId: string | null
  email: string | null
  status: OrderStatus
  currency: string
  /** Sum of the lines before discount and added tax. */
  subtotalMinor: number
  discountMinor: number
  /** All tax, of lines and shipping, whether included in prices or added. */
  taxMinor: number
  /** Shipping before added tax. */
  shippingMinor: number
  /** What the buyer pays. */
  totalMinor: number
  /** Sum of all refunds. */
  refundedMinor: number
  /** A refund included shipping. */
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
