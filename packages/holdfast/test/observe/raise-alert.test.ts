import { describe, expect, test } from 'vitest'
import type { CheckoutAlert } from '../../src/domain/alert.ts'
import { withAlarm } from '../../src/observe/raise-alert.ts'

function open(onAlert: (alert: CheckoutAlert) => unknown = () => {}) {
  const lines: { message: string; fields: Record<string, unknown> }[] = []
  const error = (message: string, fields: Record<string, unknown> = {}) => void lines.push({ message, fields })
  const alerts: CheckoutAlert[] = []
  const log = withAlarm({ info() {}, warn() {}, error }, alert => {
    alerts.push(alert)
    return onAlert(alert)
  })
  return { log, lines, alerts }
}

describe('the alarm', () => {
  test('tells people of lines that name an alert, and of no other', () => {
    const { log, lines, alerts } = open()
    log.error('[Checkout] recovery pass failed', { err: new Error('away') })
    log.error('[Checkout] something', { alert: 'not one of ours' })
    log.error('[Checkout] rollback needs attention: the gateway does not let go', {
      alert: 'rollback_stuck',
      lockId: 'l1',
      cartId: 'c1',
      tries: 12,
    })
    expect(alerts).toEqual([
      {
        code: 'rollback_stuck',
        message: 'rollback needs attention: the gateway does not let go',
        lockId: 'l1',
        context: { tries: 12 },
      },
    ])
    expect(lines).toHaveLength(3)
  })

  test('keeps to itself what a listener’s error says: it may name a buyer', () => {
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
        throw new Error('nobody is there')
      },
    ],
    ['rejects', () => Promise.reject(new Error('nobody is there'))],
  ])('harms nobody where who hears it %s, and writes that down', async (_, onAlert) => {
    const { log, lines } = open(onAlert)
    log.error('[Checkout] a capture is of unknown outcome for too long', { alert: 'outcome_unknown', lockId: 'l1' })
    await expect.poll(() => lines.at(-1)?.message).toBe('[Checkout] nobody could be alerted')
  })
})
