/** Alerts reach people once per problem and hour, through every channel, and never block shutdown. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CheckoutAlert } from '../../../src/domain/alert.ts'
import type { HealthReport } from '../../../src/engine/checkout-engine.ts'
import { type AlertsOptions, createAlerts } from '../../../src/notify/alerts/alerts.ts'
import { watchHealth } from '../../../src/notify/alerts/health-watch.ts'

const stuck = (lockId: string | null, context: CheckoutAlert['context'] = {}): CheckoutAlert => ({
  code: 'rollback_stuck',
  message: 'rollback stuck',
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

  test('repeat the same alert of a checkout once an hour, and send others at once', async () => {
    const { alerts, messages } = open()
    for (const lockId of ['a', 'a', 'b']) alerts.raise(stuck(lockId))
    await vi.advanceTimersByTimeAsync(59 * 60_000)
    for (const lockId of ['a', 'b']) alerts.raise(stuck(lockId))
    await vi.advanceTimersByTimeAsync(61_000)
    alerts.raise(stuck('a'))
    await alerts.close()
    expect(messages.map(group => group.map(alert => alert.lockId))).toEqual([['a'], ['b'], ['a']])
  })

  test('count as new if no channel accepted them, and as known once one did', async () => {
    const { alerts, messages, lost } = open(3)
    alerts.raise(stuck('a'))
    await vi.waitUntil(() => lost.length === 1)
    await vi.advanceTimersByTimeAsync(1_000)
    alerts.raise(stuck('a'))
    await vi.waitUntil(() => messages.length === 1)
    await vi.advanceTimersByTimeAsync(1_000)
    alerts.raise(stuck('a'))
    await alerts.close()
    expect(messages.map(group => group.map(alert => alert.lockId))).toEqual([['a']])
  })

  test('distinguish deliveries of different listeners', async () => {
    const { alerts, messages } = open()
    for (const listener of ['mail', 'slack', 'mail']) alerts.raise(stuck('a', { listener }))
    await alerts.close()
    expect(messages.flat().map(alert => alert.context.listener)).toEqual(['mail', 'slack'])
  })

  test('are retried a few times', async () => {
    const { alerts, messages, lost } = open(2)
    alerts.raise(stuck('a'))
    await vi.waitUntil(() => messages.length === 1)
    await alerts.close()
    expect(lost).toEqual([])
  })

  test('give up if no channel accepts them, with one message for all that wait', async () => {
    const { alerts, lost, tries } = open(Number.POSITIVE_INFINITY)
    alerts.raise(stuck('first'))
    await vi.waitUntil(() => lost.length === 1)
    for (let index = 0; index < 500; index += 1) alerts.raise(stuck(`${index}`))
    await vi.advanceTimersByTimeAsync(1_000)
    await vi.waitUntil(() => lost.length === 2)
    await alerts.close()
    expect(lost).toEqual([
      ['slack', 1, 'no'],
      ['slack', 500, 'no'],
    ])
    expect(tries()).toBe(6)
  })

  test('delay closing by 1.5 seconds at most', async () => {
    const { alerts } = open(0, { channels: [{ name: 'slack', send: () => new Promise(() => {}) }] })
    alerts.raise(stuck('a'))
    alerts.raise(stuck('b'))
    let ended = false
    const closing = alerts.close().then(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(1_499)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await closing
    // Alerts after closing are ignored.
    alerts.raise(stuck('c'))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('are raised for checks that stay critical, not for those that recover', async () => {
    const raised: CheckoutAlert[] = []
    let status: 'ok' | 'warning' | 'critical' = 'ok'
    const health = async (): Promise<HealthReport> => ({
      status: 'healthy',
      checks: {
        database: { status, message: 'Database does not respond' },
        deliveries: { status: 'warning', message: '3 parked deliveries' },
      },
      timestamp: '',
    })
    const watch = watchHealth({ health, raise: alert => raised.push(alert), everyMs: 1_000 })
    for (const next of ['critical', 'ok', 'critical'] as const) {
      status = next
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(raised).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    watch.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(raised).toEqual([
      {
        code: 'health_critical',
        message: 'Database does not respond',
        lockId: null,
        context: { check: 'database' },
      },
    ])
  })
})
