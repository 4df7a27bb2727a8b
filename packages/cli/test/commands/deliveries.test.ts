/** `holdfast deliveries`: lists failing deliveries, retries and parks them, and records the actor. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statement } from '../../../holdfast/src/database/database.ts'
import { checkoutId } from '../../../holdfast/test/observe/healthy-store.ts'
import { type Commands, openCommands } from './open-commands.ts'

let opened: Commands
let call: Commands['call']
let eventId: string
beforeEach(async () => {
  opened = await openCommands()
  call = opened.call
  const [row] = await opened.database.query<{ id: string }>(
    statement('cli_test_event', 'select id from holdfast.events where checkout_id = $1 and type = $2'),
    [checkoutId.failed, 'CheckoutFailed'],
  )
  eventId = row?.id ?? ''
})
afterEach(() => opened?.stop())

const set = (change: string, where = `event_id = '${eventId}'`) =>
  opened.database.execute(`update holdfast.deliveries set ${change} where ${where}`)
const park = () => set(`state = 'parked', delivered_at = null, last_error = 'mailbox full'`)
const actions = () =>
  opened.database.query(
    statement(
      'cli_test_delivery_actions',
      'select action, actor, checkout_id as lock, details from holdfast.admin_actions order by at',
    ),
  )

describe('deliveries', () => {
  it('lists nothing if everything is delivered', async () => {
    expect(await call(['deliveries'])).toMatchObject({ code: 0, out: 'no matching deliveries\n' })
    const { deliveries } = JSON.parse((await call(['deliveries', '--lock', checkoutId.failed, '--json'])).out)
    expect(deliveries).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }])
  })

  it('shows parked deliveries with error and next step, and exits with 1', async () => {
    await park()
    const { code, out } = await call(['deliveries', '--state', 'parked', '--listener', 'mail'])
    expect(out).toMatch(new RegExp(`${eventId}  mail +CheckoutFailed .* parked +0  mailbox full`))
    expect(out).toContain('holdfast deliveries retry --all-parked')
    expect(code).toBe(1)
  })

  it('refuses an unknown listener and names the known ones', async () => {
    opened.engine.listeners.add('CheckoutFailed', { name: 'mail.order-confirmation', run() {} })
    const id = ['0192cccc-0000-7000-8000-00000000ffff', 'fax']
    for (const line of [
      ['--listener', 'fax'],
      ['retry', '--all-parked', '--listener', 'fax'],
      ['retry', ...id],
      ['park', ...id],
    ]) {
      expect(await call(['deliveries', ...line])).toMatchObject({
        code: 2,
        out: '',
        err: 'unknown listener "fax"; known listeners: mail, mail.order-confirmation\n',
      })
    }
    expect(await call(['deliveries', '--listener', 'mail.order-confirmation'])).toMatchObject({ code: 0 })
    expect(await call(['deliveries', '--listener', 'mail'])).toMatchObject({ code: 0 })
    await opened.database.execute(`update holdfast.deliveries set listener = e'a\\u001b[2J'`)
    expect((await call(['deliveries', '--listener', 'fax'])).err).not.toContain('\u001b')
  })

  it('exits with 1 for an unknown checkout', async () => {
    const absent = '0192cccc-0000-7000-8000-00000000ffff'
    const refusal = { code: 1, out: '', err: `there is no checkout ${absent}\n` }
    expect(await call(['deliveries', '--lock', absent])).toMatchObject(refusal)
  })

  it('distinguishes overdue deliveries from due ones', async () => {
    await set(`state = 'due', delivered_at = null`)
    expect(await call(['deliveries', '--state', 'overdue'])).toMatchObject({ code: 0, out: 'no matching deliveries\n' })
    expect(await call(['deliveries', '--state', 'due'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(eventId),
    })
    await opened.database.execute(
      `update holdfast.events set created_at = now() - interval '6 minutes' where id = '${eventId}'`,
    )
    expect(await call(['deliveries', '--state', 'overdue'])).toMatchObject({ code: 1 })
  })

  it('limits the list and reports that there are more', async () => {
    await set(`state = 'parked', delivered_at = null`, 'true')
    const { deliveries, more } = JSON.parse((await call(['deliveries', '--limit', '2', '--json'])).out)
    expect([deliveries.length, more]).toEqual([2, true])
    expect((await call(['deliveries', '--limit', '2'])).out).toContain('there are more')
  })
})

describe('deliveries retry', () => {
  it('makes a delivery due, records the actor, and may be repeated', async () => {
    await park()
    for (let time = 0; time < 2; time += 1) {
      const { code, out } = await call(['deliveries', 'retry', eventId, 'mail', '--actor', 'ada'])
      expect([code, out]).toEqual([0, 'mail: due now; a server or worker delivers it\n'])
    }
    const details = { eventId, listener: 'mail', type: 'CheckoutFailed' }
    const action = { action: 'redeliver', actor: 'ada', lock: checkoutId.failed, details }
    expect(await actions()).toEqual([action, action])
    expect((await call(['diagnose', '--lock', checkoutId.failed])).out).toContain('operator: redeliver')
  })

  it('makes all parked deliveries due, of one listener or of all', async () => {
    await set(`state = 'parked', delivered_at = null`, 'true')
    const retry = ['deliveries', 'retry', '--all-parked', '--actor', 'ada']
    expect(await call([...retry, '--listener', 'mail', '--json'])).toMatchObject({
      code: 0,
      out: '{\n  "redelivered": 9\n}\n',
    })
    expect(await call(retry)).toMatchObject({ code: 0, out: '0 parked deliveries due now\n' })
    expect(await actions()).toHaveLength(9)
  })

  it('exits with 1 if the delivery does not exist or is running', async () => {
    const absent = '0192cccc-0000-7000-8000-00000000ffff'
    expect(await call(['deliveries', 'retry', absent, 'mail'])).toMatchObject({
      code: 1,
      out: '',
      err: `there is no delivery of event ${absent} to mail\n`,
    })
    await set(`state = 'due', delivered_at = null, leased = true, next_at = now() + interval '1 minute'`)
    for (const what of ['retry', 'park']) {
      expect(await call(['deliveries', what, eventId, 'mail'])).toMatchObject({
        code: 1,
        err: 'the delivery is running; try again when it has ended\n',
      })
    }
    expect(await actions()).toEqual([])
  })

  it('exits with 2 without exactly one selection', async () => {
    for (const line of [
      [],
      [eventId],
      ['nonsense', 'mail'],
      [eventId, 'mail', '--all-parked'],
      ['--listener', 'mail'],
    ]) {
      const { code, err } = await call(['deliveries', 'retry', ...line])
      expect({ line, code }).toEqual({ line, code: 2 })
      expect(err).not.toBe('')
    }
  })
})

describe('deliveries park', () => {
  it('parks a due delivery so that later ones continue, and records the actor', async () => {
    await set(`state = 'due', delivered_at = null`)
    for (let time = 0; time < 2; time += 1) {
      const { code, out } = await call(['deliveries', 'park', eventId, 'mail', '--actor', 'ada'])
      expect([code, out]).toEqual([0, 'mail: parked; later deliveries of the checkout continue\n'])
    }
    // The second call changed nothing, so it recorded nothing.
    expect(await actions()).toMatchObject([{ action: 'park', actor: 'ada', lock: checkoutId.failed }])
  })

  it('exits with 1 for a delivered event', async () => {
    expect(await call(['deliveries', 'park', eventId, 'mail'])).toMatchObject({
      code: 1,
      err: 'the delivery is already delivered; nothing to park\n',
    })
  })
})
