/** Numbers of the soak's shop, all of them short, so that whatever has to time out does so many times in a run. */

export const settings = {
  currency: 'EUR',
  engine: {
    /** What a dead process held is carried on this soon; a call to the gateway gets a quarter of it. */
    leaseSeconds: 4,
    ttlMinutes: 0.4,
    paymentAuthTimeoutSeconds: 12,
    rateLimitPerMinute: 0,
  },
  numbers: { recoverEveryMs: 500, answerWithinMs: 5_000 },
  /** Of the gateway. */
  delays: { lateMs: 6_000, pendingMs: 1_500, slowMs: 1_500 },
} as const

/** One order in so many is given back, in part or in whole: by its id, so that anybody can tell which. */
const refundedOneIn = 10

/** How much of an order is given back, in minor units; 0 for most. */
export function goodwillOf(order: { id: string; totalMinor: number }): number {
  const lot = Number.parseInt(order.id.slice(-6), 16)
  if (lot % refundedOneIn !== 0) return 0
  return lot % 2 === 0 ? order.totalMinor : Math.floor(order.totalMinor / 3)
}
