/** `holdfast diagnose`: the history of a checkout, its next steps, and the suggested commands. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkoutId } from '../../../holdfast/test/observe/healthy-store.ts'
import { type LockFacts, nextStepsOf } from '../../src/diagnose/next-steps.ts'
import { momentsOf, timelineRows } from '../../src/diagnose/timeline.ts'
import { type Commands, openCommands } from './open-commands.ts'

const now = '2026-11-22T10:10:00.000Z'
const at = (second: number) => `2026-11-22T10:00:${String(second).padStart(2, '0')}.000Z`
const entry = (version: number, to: 'pending' | 'authorizing' | 'rolling_back' | 'failed', epoch: number) => ({
  ...{ version, to, epoch, from: null, at: at(version), durationMs: version === 2 ? 12 : null },
  details: to === 'rolling_back' ? { failure: 'checkout_released', phase: 'payment_authorization' } : null,
})

describe('the timeline', () => {
  const authorize = { kind: 'authorize', attempt: 1, status: 'intended', intended_at: at(2), settled_at: null }

  it('orders states, gateway calls, and operator actions by time since the start', () => {
    const capture = {
      kind: 'capture',
      attempt: 1,
      status: 'declined',
      intended_at: at(2),
      settled_at: at(3),
      answer: { code: 'no' },
    }
    const actions = [{ action: 'release', actor: 'ada', at: at(3), details: { reason: 'buyer called' } }]
    const timeline = [
      entry(1, 'pending', 0),
      entry(2, 'authorizing', 1),
      entry(4, 'rolling_back', 2),
      entry(5, 'failed', 2),
    ]
    expect(timelineRows(momentsOf({ timeline, operations: [capture] }, actions), now)).toEqual([
      ['+0 ms', 'Started', '', ''],
      ['+1 s', 'Authorizing payment', '12 ms', 'payment_authorization'],
      ['+2 s', 'gateway: capture declined', '1 s', 'no'],
      ['+2 s', 'operator: release', '', 'by ada, “buyer called”'],
      ['+3 s', 'Rolling back', '', 'taken over, epoch 2; checkout_released in payment_authorization'],
      ['+4 s', 'Failed', '', ''],
    ])
  })

  it('shows an unanswered gateway call last, and hides it once a void has settled it', () => {
    const timeline = [entry(1, 'pending', 0)]
    const rows = timelineRows(momentsOf({ timeline, operations: [authorize] }, []), now)
    expect(rows.at(-1)).toEqual(['now', 'gateway: authorize', '9 m 58 s', 'no answer yet'])
    const ended = { kind: 'void', attempt: 1, status: 'succeeded', intended_at: at(3), settled_at: at(4), answer: {} }
    const fenced = momentsOf({ timeline, operations: [authorize, ended] }, [])
    expect(fenced.map(({ what }) => what)).toEqual(['Started', 'gateway: void succeeded'])
  })

  it('accepts an empty history', () =>
    expect(timelineRows(momentsOf({ timeline: [], operations: [] }, []), now)).toEqual([]))
})

describe('the next steps', () => {
  const facts: LockFacts = {
    ...{ id: 'ID', state: 'authorizing', now, expired: false, expires_at: '2026-11-22T10:15:00.000Z' },
    ...{
      wake_at: '2026-11-22T10:10:05.000Z',
      awake: false,
      tries: 2,
      lease_owner: null,
      action: null,
      gateway: 'sandbox',
    },
    ...{
      authorization_valid_until: null,
      orderNumber: null,
      isRefundable: false,
      parkedDeliveries: 0,
      dueDeliveries: 0,
    },
  }
  const summaryOf = (change: Partial<LockFacts>) => {
    const { next, commands } = nextStepsOf({ ...facts, ...change })
    return { next: next.join(' '), commands: commands.map(({ command }) => command) }
  }
  const ended = { wake_at: null, awake: false }

  it('says when the checkout is processed again', () => {
    expect(summaryOf({}).next).toContain('A server or worker processes it in 5 s, for the 3rd time.')
    expect(summaryOf({ lease_owner: 'host:1' }).next).toContain('A process is working on it')
    expect(summaryOf({ lease_owner: 'host:1', awake: true, wake_at: at(0) }).next).toContain('due for 10 m')
    expect(summaryOf({ state: 'failed', ...ended }).next).toBe('It has ended. The buyer may check out the cart again.')
  })

  it.each<[string, Partial<LockFacts>, RegExp, string[]]>([
    ['is pending', { state: 'pending' }, /nothing has been charged yet. It expires in 5 m/, ['holdfast release ID']],
    ['has expired', { state: 'pending', expired: true }, /It has expired/, ['holdfast cleanup']],
    [
      'has a payment of unknown outcome',
      { state: 'authorizing' },
      /charged once/,
      ['holdfast retry ID', 'holdfast release ID'],
    ],
    [
      'is waiting for 3-D Secure',
      { state: 'awaiting_action', action: { type: 'redirect', url: 'https://bank.example/3ds' } },
      /approve the payment: https:\/\/bank.example\/3ds Otherwise it is rolled back in 5 m/,
      ['holdfast retry ID', 'holdfast release ID'],
    ],
    [
      'is waiting for its capture',
      { state: 'awaiting_capture', authorization_valid_until: '2026-11-23T10:10:00.000Z' },
      /deadline is 2026-11-23T10:10:00.000Z \(in 1 d\)/,
      ['holdfast capture ID', 'holdfast release ID'],
    ],
    [
      'is waiting for a bank transfer',
      { state: 'awaiting_capture', gateway: 'invoice' },
      /transfer/,
      ['holdfast invoices --open', 'holdfast release ID'],
    ],
    [
      'is being captured',
      { state: 'capturing' },
      /if the gateway refuses, the order is cancelled/,
      ['holdfast retry ID'],
    ],
    ['is being rolled back', { state: 'rolling_back' }, /until the gateway confirms it/, ['holdfast retry ID']],
    [
      'has a stuck rollback',
      { state: 'rolling_back', tries: 10 },
      /11th time/,
      ['holdfast retry ID', 'holdfast reconcile'],
    ],
    [
      'is completed',
      { state: 'completed', ...ended, isRefundable: true, orderNumber: '100001' },
      /It is completed/,
      ['holdfast refund 100001'],
    ],
    [
      'has parked deliveries',
      { state: 'completed', ...ended, parkedDeliveries: 2 },
      /2 event deliveries are parked/,
      ['holdfast deliveries --lock ID'],
    ],
  ])('says what buyer and shop can do with a checkout that %s', (_, change, sentence, commands) => {
    expect(summaryOf(change).next).toMatch(sentence)
    expect(summaryOf(change).commands).toEqual(commands)
  })
})

describe('holdfast diagnose', () => {
  let opened: Commands
  beforeEach(async () => {
    opened = await openCommands()
  })
  afterEach(() => opened?.stop())

  it('suggests commands for deliveries, payments, webhooks, and settings', async () => {
    await opened.database.execute(
      `update holdfast.deliveries set state = 'parked', delivered_at = null, last_error = e'no\\nroute' where listener = 'mail';
       update holdfast.payment_operations set intended_at = now() - interval '5 minutes' where status = 'intended';
       update holdfast.checkouts set tries = 11 where id = '${checkoutId.capturing}';
       insert into holdfast.webhooks (gateway, event_id, type, payload, look_at) values ('sandbox', 'e1', 'payment.paid', '{}', null)`,
    )
    const { code, out } = await opened.call(['diagnose'], { config: { environment: 'production' } })
    expect(out).toContain('no route')
    expect(out).toMatch(
      /act {3}9 deliveries to mail are parked.*\n +holdfast deliveries retry --all-parked --listener mail/,
    )
    expect(out).toMatch(/look {2}The outcome of a capture is unknown.*\n +holdfast retry 0192cccc/)
    expect(out).toMatch(/sandbox +payment\.paid +no checkout/)
    expect(out).toMatch(
      /note {2}1 webhook was given up because no checkout matches.*\n +holdfast webhooks --state given_up/,
    )
    expect(out).toContain('The sandbox gateway is active in production; buyers are not charged.')
    expect(code).toBe(1)
    const json = JSON.parse((await opened.call(['diagnose', '--json'])).out)
    expect(json.recommendations[0]).toEqual({
      urgency: 'act',
      message: expect.any(String),
      command: expect.stringContaining('holdfast '),
    })
    expect(json).toMatchObject({ activeCount: 3, listeners: [{ listener: 'mail', state: 'parked', count: 9 }] })
  })

  it('distinguishes an overdue delivery that no process runs from one that will be retried', async () => {
    await opened.database.execute(
      `update holdfast.deliveries set state = 'due', delivered_at = null, attempts = 3, next_at = now() + interval '1 minute';
       update holdfast.deliveries set next_at = now() - interval '6 minutes', attempts = 0 where type = 'CheckoutFailed'`,
    )
    const { listeners } = JSON.parse((await opened.call(['diagnose', '--json'])).out)
    expect(listeners).toMatchObject([
      { state: 'overdue', count: 1 },
      { state: 'failing', count: 8 },
    ])
  })

  it('shows operator actions and the next steps', async () => {
    await opened.call(['release', checkoutId.pending, '--actor', 'ada', '--reason', 'buyer called'])
    const { out } = await opened.call(['diagnose', '--lock', checkoutId.pending])
    expect(out).toMatch(/operator: release +by ada, “buyer called”/)
    expect(out).toContain('It has ended')
    const capturing = await opened.call(['diagnose', '--lock', checkoutId.capturing])
    expect(capturing.out).toContain(`  holdfast retry ${checkoutId.capturing}\n`)
    const json = JSON.parse((await opened.call(['diagnose', '--lock', checkoutId.pending, '--json'])).out)
    expect(json).toMatchObject({ lock: { state: 'failed' }, actions: [{ actor: 'ada' }], next: [expect.any(String)] })
  })

  it('fits the terminal, except for commands, which are never cut', async () => {
    for (const columns of [80, 120]) {
      for (const line of [['diagnose'], ['diagnose', '--lock', checkoutId.failed]]) {
        const { lines } = await opened.call(line, { columns })
        const wide = lines.filter(text => text.length > columns && !/^ *(holdfast|export) /.test(text))
        expect(wide.filter(text => !/^[A-Z].*\.$/.test(text))).toEqual([])
      }
    }
  })
})
