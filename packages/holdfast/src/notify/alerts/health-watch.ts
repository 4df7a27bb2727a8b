/** Checks the health of the checkout periodically, and raises an alert for each check that stays critical. */
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { HealthReport } from '../../engine/checkout-engine.ts'

export interface HealthWatchOptions {
  /** Must not reject; `engine.health` never does. */
  health(): Promise<HealthReport>
  raise(alert: CheckoutAlert): void
  /** Interval, milliseconds. Default one minute. */
  everyMs?: number
}

/** Raises an alert only if a check is critical twice in a row, so that a database failover wakes no one. */
export function watchHealth({ health, raise, everyMs = 60_000 }: HealthWatchOptions): { stop(): void } {
  let criticalBefore: ReadonlySet<string> = new Set()
  let isChecking = false

  async function check(): Promise<void> {
    if (isChecking) return
    isChecking = true
    const { checks } = await health()
    const critical = Object.entries(checks).filter(([, { status }]) => status === 'critical')
    for (const [name, { message }] of critical) {
      if (criticalBefore.has(name)) raise({ code: 'health_critical', message, lockId: null, context: { check: name } })
    }
    criticalBefore = new Set(critical.map(([name]) => name))
    isChecking = false
  }

  const timer = setInterval(() => void check(), everyMs)
  return { stop: () => clearInterval(timer) }
}
