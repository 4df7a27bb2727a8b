/** `holdfast webhooks`: lists webhooks with their problems, retries and dismisses them, and records the actor. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { statement } from '../../../holdfast/src/database/database.ts'
import { checkoutId } from '../../../holdfast/test/observe/healthy-store.ts'
import { type Commands, openCommands } from './open-commands.ts'

let opened: Commands
let call: Commands['call']
beforeAll(async () => {
  opened = await openCommands()
  call = opened.call
})
afterEach(() => opened.database.execute('delete from holdfast.webhooks; delete from holdfast.admin_actions'))
afterAll(() => opened?.stop())

const give = (eventId: string, lock: string | null, lookAt = 'null') =>
  opened.database.execute(
    `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload, received_at, look_at, looks, last_error)
     values ('stripe', '${eventId}', 'charge.refunded', 'money_back', ${lock === null ? 'null' : `'${lock}'`}, 'pi_elsewhere',
       '{"client_secret": "canary"}', now() - interval '4 days', ${lookAt}, 77, 'Error: connect ECONNREFUSED')`,
  )
const ours = () => give('evt_ours', checkoutId.completed)
const unmatched = () => give('evt_unmatched', null)
const actions = () =>
  opened.database.query(
    statement(
      'cli_test_webhook_actions',
      'select action, actor, checkout_id as lock, details from holdfast.admin_actions order by at, id',
    ),
  )

describe('webhooks', () => {
  it('lists nothing if all webhooks are done', async () => {
    expect(await call(['webhooks'])).toMatchObject({ code: 0, out: 'no matching webhooks\n' })
  })

  it('shows given-up webhooks with reason and next step, and exits with 1 if one is about our checkout', async () => {
    await unmatched()
    const withoutOurs = await call(['webhooks'])
    expect(withoutOurs.out).toMatch(
      /^stripe +evt_unmatched +charge\.refunded +– +4 d ago +given up +77 +no checkout has payment pi_elsewhere$/m,
    )
    expect(withoutOurs.out).toContain('holdfast webhooks dismiss --all-unmatched')
    expect(withoutOurs.code).toBe(0)
    await ours()
    const { code, out } = await call(['webhooks', '--state', 'given_up'])
    expect(out).toMatch(new RegExp(`evt_ours .*${checkoutId.completed}.*given up +77 {2}Error: connect ECONNREFUSED`))
    expect(out.indexOf('evt_ours')).toBeLessThan(out.indexOf('evt_unmatched'))
    expect(out).toContain('holdfast webhooks retry --all-given-up --ours')
    expect(code).toBe(1)
  })

  it('never cuts an ID, also in a narrow terminal', async () => {
    await give('evt_1QGk2eLkdIwHu7ix0000000000', checkoutId.completed)
    const { out } = await call(['webhooks'], { isTty: true, columns: 80 })
    expect(out).toContain('stripe   evt_1QGk2eLkdIwHu7ix0000000000  ')
    expect(out).toContain(checkoutId.completed)
  })

  it('filters and limits the list, and never prints payloads', async () => {
    await ours()
    await unmatched()
    await give('evt_waits', null, `now() + interval '10 minutes'`)
    const eventsOf = async (...line: string[]) => {
      const { out } = await call(['webhooks', '--json', ...line])
      expect(out).not.toContain('canary')
      return (JSON.parse(out) as { webhooks: { eventId: string }[] }).webhooks.map(({ eventId }) => eventId)
    }
    expect(await eventsOf()).toEqual(['evt_ours', 'evt_unmatched', 'evt_waits'])
    expect(await eventsOf('--ours')).toEqual(['evt_ours'])
    expect(await eventsOf('--lock', checkoutId.completed)).toEqual(['evt_ours'])
    expect(await eventsOf('--state', 'waiting')).toEqual(['evt_waits'])
    expect(await eventsOf('--state', 'done')).toEqual([])
    expect(await eventsOf('--gateway', 'sandbox')).toEqual([])
    expect(await eventsOf('--type', 'charge.refunded', '--limit', '1')).toEqual(['evt_ours'])
    expect((await call(['webhooks', '--limit', '1'])).out).toContain('there are more')
    expect((await call(['webhooks', '--state', 'waiting'])).out).toMatch(/retry in (10|9) m/)
  })

  it('refuses an unknown gateway and names the known ones', async () => {
    await ours()
    for (const line of [
      ['--gateway', 'strpe'],
      ['retry', '--all-given-up', '--gateway', 'strpe'],
      ['dismiss', '--all-unmatched', '--gateway', 'strpe'],
      ['retry', 'strpe', 'evt_ours'],
      ['dismiss', 'strpe', 'evt_ours'],
    ]) {
      expect(await call(['webhooks', ...line])).toMatchObject({
        code: 2,
        out: '',
        err: 'unknown gateway "strpe"; known gateways: sandbox, stripe\n',
      })
    }
    const { code, err } = await call(['webhooks', '--state', 'lost'])
    expect(err).toContain('Allowed choices are given_up, waiting, done.')
    expect(code).toBe(2)
  })

  it('exits with 1 for an unknown checkout', async () => {
    const absent = '0192cccc-0000-7000-8000-00000000ffff'
    const refusal = { code: 1, out: '', err: `there is no checkout ${absent}\n` }
    expect(await call(['webhooks', '--lock', absent])).toMatchObject(refusal)
  })

  it('exits with 2 for invalid arguments', async () => {
    for (const line of [['--state', 'lost'], ['--limit', '0'], ['--lock', 'evt_ours'], ['evt_ours']]) {
      expect({ line, code: (await call(['webhooks', ...line])).code }).toEqual({ line, code: 2 })
    }
  })
})

describe('webhooks retry', () => {
  it('makes a webhook due, records the actor, and may be repeated', async () => {
    await ours()
    for (let time = 0; time < 2; time += 1) {
      const { code, out } = await call(['webhooks', 'retry', 'stripe', 'evt_ours', '--actor', 'ada'])
      expect([code, out]).toEqual([0, 'evt_ours: due now; a server or worker processes it\n'])
    }
    const details = { gateway: 'stripe', eventId: 'evt_ours', type: 'charge.refunded' }
    const action = { action: 'retry_webhook', actor: 'ada', lock: checkoutId.completed, details }
    expect(await actions()).toEqual([action, action])
    expect((await call(['diagnose', '--lock', checkoutId.completed])).out).toContain('operator: retry_webhook')
    expect(await call(['webhooks', '--ours'])).toMatchObject({ code: 0, out: expect.stringMatching(/due +0/) })
  })

  it('makes all given-up webhooks due, or only those about our checkouts', async () => {
    await ours()
    await unmatched()
    const retry = ['webhooks', 'retry', '--all-given-up', '--actor', 'ada']
    expect(await call([...retry, '--gateway', 'sandbox'])).toMatchObject({ out: '0 webhooks from sandbox due now\n' })
    expect(await call([...retry, '--ours', '--json'])).toMatchObject({ code: 0, out: '{\n  "retried": 1\n}\n' })
    expect(await call(retry)).toMatchObject({ code: 0, out: '1 webhook due now\n' })
    expect(await actions()).toHaveLength(2)
  })

  it('exits with 1 if the webhook does not exist or is done', async () => {
    await ours()
    expect(await call(['webhooks', 'retry', 'stripe', 'evt_none'])).toMatchObject({
      code: 1,
      out: '',
      err: 'there is no webhook evt_none from stripe\n',
    })
    await opened.database.execute('update holdfast.webhooks set handled_at = now()')
    expect(await call(['webhooks', 'retry', 'stripe', 'evt_ours'])).toMatchObject({
      code: 1,
      err: `the webhook is already done; nothing to retry; to query the gateway again: holdfast retry ${checkoutId.completed}\n`,
    })
    expect(await actions()).toEqual([])
  })

  it('exits with 2 without exactly one selection', async () => {
    for (const line of [
      ['retry'],
      ['retry', 'stripe'],
      ['retry', 'stripe', 'evt_ours', '--all-given-up'],
      ['retry', 'stripe', 'evt_ours', '--ours'],
      ['retry', '--ours'],
      ['dismiss'],
      ['dismiss', '--gateway', 'stripe'],
    ]) {
      const { code, err } = await call(['webhooks', ...line])
      expect({ line, code }).toEqual({ line, code: 2 })
      expect(err).not.toBe('')
    }
  })
})

describe('webhooks dismiss', () => {
  it('dismisses a webhook, records the actor, and may be repeated', async () => {
    await ours()
    for (let time = 0; time < 2; time += 1) {
      const { code, out } = await call(['webhooks', 'dismiss', 'stripe', 'evt_ours', '--actor', 'ada'])
      expect([code, out]).toEqual([0, 'evt_ours: dismissed; it will not be processed\n'])
    }
    expect(await actions()).toMatchObject([{ action: 'dismiss_webhook', actor: 'ada', lock: checkoutId.completed }])
    expect(await call(['webhooks', 'dismiss', 'stripe', 'evt_none'])).toMatchObject({ code: 1, out: '' })
  })

  it('dismisses all given-up webhooks that match no checkout, and no other', async () => {
    await ours()
    await unmatched()
    expect(await call(['webhooks', 'dismiss', '--all-unmatched'])).toMatchObject({ out: '1 webhook dismissed\n' })
    expect((await call(['webhooks'])).out).toContain('evt_ours')
  })
})
