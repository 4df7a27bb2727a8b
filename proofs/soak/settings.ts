/** The settings of the soak's shop. All times are short, so that timeouts occur many times in a run. */

export const settings = {
  currency: 'EUR',
  engine: {
    /** The work of a dead process is taken over after this time; a gateway call gets a quarter of it. */
    leaseSeconds: 4,
    ttlMinutes: 0.4,
    paymentAuthTimeoutSeconds: 12,
    rateLimitPerMinute: 0,
  },
  numbers: { recoverEveryMs: 500, answerWithinMs: 5_000 },
  /** Delays of the gateway. */
  delays: { lateMs: 6_000, pendingMs: 1_500, slowMs: 1_500 },
} as const

/** One in this many orders is refunded in part or in full. The order ID decides, so every process knows which. */
const refundedOneIn = 10

/** The expected refund of an order in minor units; 0 for most. */
export function goodwillOf(order: { id: string; totalMinor: number }): number {
  const lot = Number.parseInt(order.id.slice(-6), 16)
  if (lot % refundedOneIn !== 0) return 0
  return lot % 2 === 0 ? order.totalMinor : Math.floor(order.totalMinor / 3)
}
