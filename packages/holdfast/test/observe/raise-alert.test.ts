/** Error lines that name an alert raise it. */
import { describe, expect, test } from 'vitest'
import type { CheckoutAlert } from '../../src/domain/alert.ts'
import { raiseAlerts } from '../../src/observe/raise-alert.ts'

function open(onAlert: (alert: CheckoutAlert) => unknown = () => {}) {
  const lines: { message: string; fields: Record<string, unknown> }[] = []
  const error = (message: string, fields: Record<string, unknown> = {}) => void lines.push({ message, fields })
  const alerts: CheckoutAlert[] = []
  const log = raiseAlerts({ info() {}, warn() {}, error }, alert => {
    alerts.push(alert)
    return onAlert(alert)
  })
  return { log, lines, alerts }
}

describe('raising alerts', () => {
  test('a line that names a known alert raises it, and no other line does', () => {
    const { log, lines, alerts } = open()
    log.error('[Checkout] recovery pass failed', { err: new Error('away') })
    log.error('[Checkout] something', { alert: 'unknown' })
    log.error('[Checkout] rollback stuck: the gateway has not confirmed the void or refund', {
      alert: 'rollback_stuck',
      lockId: 'l1',
      cartId: 'c1',
      tries: 12,
    })
    expect(alerts).toEqual([
      {
        code: 'rollback_stuck',
        message: 'rollback stuck: the gateway has not confirmed the void or refund',
        lockId: 'l1',
        context: { tries: 12 },
      },
    ])
    expect(lines).toHaveLength(3)
  })

  test('an alert does not carry the text of a listener’s error, which may name a buyer', () => {
    const { log, alerts } = open()
    const error = 'no such mailbox: ada@example.com'
    log.error('[Checkout] delivery parked', { alert: 'delivery_parked', listener: 'mail', attempts: 3, error })
    expect(alerts).toMatchObject([{ lockId: null, context: { listener: 'mail', attempts: 3 } }])
    expect(JSON.stringify(alerts)).not.toContain('ada')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('unreachable')
      },
    ],
    ['rejects', () => Promise.reject(new Error('unreachable'))],
  ])('a callback that %s does not affect the caller, and is logged', async (_, onAlert) => {
    const { log, lines } = open(onAlert)
    log.error('[Checkout] capture outcome unknown for too long', { alert: 'outcome_unknown', lockId: 'l1' })
    await expect.poll(() => lines.at(-1)?.message).toBe('[Checkout] sending an alert failed')
  })
})
