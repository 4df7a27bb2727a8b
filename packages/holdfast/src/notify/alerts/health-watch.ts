/** Looks at the health of the checkout again and again, and tells people of what stays critical. */
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { HealthReport } from '../../engine/checkout-engine.ts'

export interface HealthWatchOptions {
  /** Never rejects, as `engine.health`. */
  health(): Promise<HealthReport>
  tell(alert: CheckoutAlert): void
  /** Default a minute. */
  everyMs?: number
}

/** Told is what is critical at two looks in a row: a database that fails over in between is nobody's night. */
export function watchHealth({ health, tell, everyMs = 60_000 }: HealthWatchOptions): { stop(): void } {
  let before: ReadonlySet<string> = new Set()
  let looking = false

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    const { checks } = await health()
    const critical = Object.entries(checks).filter(([, check]) => check.status === 'critical')
    for (const [check, { message }] of critical) {
      if (before.has(check)) tell({ code: 'health_critical', message, lockId: null, context: { check } })
    }
    before = new Set(critical.map(([check]) => check))
    looking = false
  }

  const timer = setInterval(() => void look(), everyMs)
  return { stop: () => clearInterval(timer) }
}
