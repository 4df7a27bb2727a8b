import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CheckoutAlert } from '../../../src/domain/alert.ts'
import type { HealthReport } from '../../../src/engine/checkout-engine.ts'
import { type AlertsOptions, createAlerts } from '../../../src/notify/alerts/alerts.ts'
import { watchHealth } from '../../../src/notify/alerts/health-watch.ts'

const stuck = (lockId: string | null, context: CheckoutAlert['context'] = {}): CheckoutAlert => ({
  code: 'rollback_stuck',
  message: 'rollback needs attention',
  lockId,
  context,
})

function open(refusals = 0, options: Partial<AlertsOptions> = {}) {
  const messages: (readonly CheckoutAlert[])[] = []
  const lost: unknown[] = []
  let tries = 0
  const alerts = createAlerts({
    channels: [
      {
        name: 'slack',
        async send(group) {
          tries += 1
          if (tries <= refusals) throw new Error('no')
          messages.push(group)
        },
      },
    ],
    onLost: (channel, count, error) => lost.push([channel, count, (error as Error).message]),
    pausesMs: [0, 0],
    windowMs: 1_000,
    ...options,
  })
  return { alerts, messages, lost, tries: () => tries }
}

describe('alerts', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('tell the same of the same checkout once an hour, and of others at once', async () => {
    const { alerts, messages } = open()
    for (const lockId of ['a', 'a', 'b']) alerts.tell(stuck(lockId))
    await vi.advanceTimersByTimeAsync(59 * 60_000)
    for (const lockId of ['a', 'b']) alerts.tell(stuck(lockId))
    await vi.advanceTimersByTimeAsync(61_000)
    alerts.tell(stuck('a'))
    await alerts.close()
    expect(messages.map(group => group.map(alert => alert.lockId))).toEqual([['a'], ['b'], ['a']])
  })

  test('are news still where nobody could be told, and no news where somebody was', async () => {
    const { alerts, messages, lost } = open(3)
    alerts.tell(stuck('a'))
    await vi.waitUntil(() => lost.length === 1)
    await vi.advanceTimersByTimeAsync(1_000)
    alerts.tell(stuck('a'))
    await vi.waitUntil(() => messages.length === 1)
    await vi.advanceTimersByTimeAsync(1_000)
    alerts.tell(stuck('a'))
    await alerts.close()
    expect(messages.map(group => group.map(alert => alert.lockId))).toEqual([['a']])
  })

  test('hold deliveries of different listeners apart', async () => {
    const { alerts, messages } = open()
    for (const listener of ['mail', 'slack', 'mail']) alerts.tell(stuck('a', { listener }))
    await alerts.close()
    expect(messages.flat().map(alert => alert.context.listener)).toEqual(['mail', 'slack'])
  })

  test('are tried a few times', async () => {
    const { alerts, messages, lost } = open(2)
    alerts.tell(stuck('a'))
    await vi.waitUntil(() => messages.length === 1)
    await alerts.close()
    expect(lost).toEqual([])
  })

  test('come to an end where nobody can be reached, in one message however many there are', async () => {
    const { alerts, lost, tries } = open(Number.POSITIVE_INFINITY)
    alerts.tell(stuck('first'))
    await vi.waitUntil(() => lost.length === 1)
    for (let index = 0; index < 500; index += 1) alerts.tell(stuck(`${index}`))
    await vi.advanceTimersByTimeAsync(1_000)
    await vi.waitUntil(() => lost.length === 2)
    await alerts.close()
    expect(lost).toEqual([
      ['slack', 1, 'no'],
      ['slack', 500, 'no'],
    ])
    expect(tries()).toBe(6)
  })

  test('hold up nobody’s end for longer than a moment', async () => {
    const { alerts } = open(0, { channels: [{ name: 'slack', send: () => new Promise(() => {}) }] })
    alerts.tell(stuck('a'))
    alerts.tell(stuck('b'))
    let ended = false
    const closing = alerts.close().then(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(1_499)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await closing
    // Nobody is told any more.
    alerts.tell(stuck('c'))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('tell of what stays critical, and not of what passes', async () => {
    const told: CheckoutAlert[] = []
    let status: 'ok' | 'warning' | 'critical' = 'ok'
    const health = async (): Promise<HealthReport> => ({
      status: 'healthy',
      checks: {
        database: { status, message: 'The database does not answer' },
        deliveries: { status: 'warning', message: '3 deliveries given up' },
      },
      timestamp: '',
    })
    const watch = watchHealth({ health, tell: alert => told.push(alert), everyMs: 1_000 })
    for (const next of ['critical', 'ok', 'critical'] as const) {
      status = next
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    watch.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(told).toEqual([
      {
        code: 'health_critical',
        message: 'The database does not answer',
        lockId: null,
        context: { check: 'database' },
      },
    ])
  })
})
