/** Every command on a store with a checkout in each state: its output and its exit code. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statement } from '../../../holdfast/src/database/database.ts'
import type { CheckoutEngine } from '../../../holdfast/src/engine/checkout-engine.ts'
import { checkoutId } from '../../../holdfast/test/observe/healthy-store.ts'
import { type Commands, openCommands } from './open-commands.ts'

let opened: Commands
let engine: CheckoutEngine
let directory: string
let call: Commands['call']
beforeEach(async () => {
  opened = await openCommands()
  ;({ engine, directory, call } = opened)
})
afterEach(() => opened?.stop())

const breakSomething = () => opened.database.execute('update holdfast.stock_levels set on_hand = on_hand - 1')

describe('audit', () => {
  it('ends with "0 violations" and exit code 0 if all invariants hold', async () => {
    const { code, lines, out } = await call(['audit'])
    expect(lines.at(-1)).toBe('0 violations')
    expect(lines.at(-2)).toBe('6 checkouts checked')
    expect(out).toContain('captured at most once')
    expect(out).not.toContain('\u001b')
    expect(code).toBe(0)
  })

  it('lists violations and exits with 1', async () => {
    await breakSomething()
    const { code, lines, out } = await call(['audit'])
    expect(lines.at(-1)).toBe('1 violation')
    expect(out).toMatch(/A5 {2}variant .*: 5 on hand \+ 4 committed is not 10 stocked/)
    expect(code).toBe(1)
  })

  it('prints the report as JSON', async () => {
    const { code, out } = await call(['audit', '--json'])
    expect(JSON.parse(out)).toMatchObject({ violations: 0, checkouts: 6, findings: expect.any(Array) })
    expect(code).toBe(0)
  })

  it('with --drained also reports checkouts in progress', async () => {
    const { code, out } = await call(['audit', '--drained', '--json'])
    expect(JSON.parse(out)).toMatchObject({ violations: 4 })
    expect(code).toBe(1)
  })

  it('prints colours only in a terminal', async () => {
    expect((await call(['audit'], { colours: true })).out).toContain('\u001b[32m0\u001b[39m')
  })
})

describe('reconcile', () => {
  const refundAtGateway = () =>
    opened.database.execute(
      `update holdfast_sandbox.payments set refunded_minor = 100 where checkout_id = '${checkoutId.completed}'`,
    )

  it('ends with "0 differences" and exit code 0 if both sides agree', async () => {
    const { code, lines, err } = await call(['reconcile', '--hours', '1'])
    expect(lines).toEqual(['5 payments at sandbox and 5 checkouts of the last hour compared', '0 differences'])
    expect([code, err]).toEqual([0, ''])
  })

  it('lists differences with the records of both sides, and exits with 1', async () => {
    await refundAtGateway()
    const { code, lines, out } = await call(['reconcile'])
    expect(out).toContain('different amount refunded')
    expect(out).toContain(checkoutId.completed)
    expect(out).toContain('completed, authorized 23.00 USD, captured 23.00 USD')
    expect(out).toContain('captured, captured 23.00 USD, refunded 1.00 USD')
    expect(lines.at(-1)).toBe('1 difference')
    expect(code).toBe(1)
    expect((await call(['monitor'])).out).toContain('1 difference from the gateway’s records')
  })

  it('with --record records refunds that were made at the gateway', async () => {
    await refundAtGateway()
    const { code, out } = await call(['reconcile', '--record'])
    expect(out).toContain('corrected')
    expect(code).toBe(0)
  })

  it('with --void-orphans voids payments without a checkout', async () => {
    await opened.database.execute(
      `update holdfast_sandbox.payments set status = 'authorized', created_at = now() - interval '2 hours'
       where checkout_id = '${checkoutId.failed}'`,
    )
    expect(await call(['reconcile'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('open, without a checkout'),
    })
    expect(await call(['reconcile', '--void-orphans'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('corrected'),
    })
    expect(await call(['reconcile'])).toMatchObject({ code: 0 })
  })

  it('prints the report as JSON', async () => {
    await refundAtGateway()
    const { code, out } = await call(['reconcile', '--json'])
    expect(JSON.parse(out)).toMatchObject({ differenceCount: 1, hours: 72, differences: [{ kind: 'refunded' }] })
    expect(code).toBe(1)
  })

  it('exits with 2 for invalid arguments', async () => {
    expect(await call(['reconcile', '--hours', '0'])).toMatchObject({ code: 2, out: '' })
    expect(await call(['reconcile', '--since', 'ever'])).toMatchObject({ code: 2, out: '' })
  })
})

describe('monitor', () => {
  it('shows health and statistics, and exits with 0 while healthy', async () => {
    const { code, out } = await call(['monitor', '--hours', '1'])
    expect(out).toContain('healthy')
    expect(out).toContain('started in the last hour\n')
    expect(code).toBe(0)
  })

  it('has the alias statistics, and prints health and statistics as JSON', async () => {
    const { out } = await call(['statistics', '--json'])
    expect(JSON.parse(out)).toMatchObject({ health: { status: 'healthy' }, statistics: { hours: 24, active: 3 } })
  })

  it('exits with 1 if a check is not ok', async () => {
    await opened.database.execute(`update holdfast.deliveries set state = 'parked', delivered_at = null`)
    const { code, out } = await call(['monitor'])
    expect(out).toContain('degraded')
    expect(code).toBe(1)
  })
})

describe('diagnose', () => {
  it('shows health and active checkouts', async () => {
    const { code, out } = await call(['diagnose'])
    expect(out).toContain('No stuck checkouts')
    for (const id of [checkoutId.pending, checkoutId.authorizing, checkoutId.capturing]) expect(out).toContain(id)
    expect(out).not.toContain(checkoutId.completed)
    expect(code).toBe(0)
  })

  it('shows everything about one checkout', async () => {
    const { code, out } = await call(['diagnose', '--lock', checkoutId.failed])
    expect(out).toContain('capture_refused: Refused.')
    expect(out).toContain(', cancelled, 23.00 USD')
    for (const title of ['Frozen prices', 'Stock', 'Payment', 'History', 'Events']) expect(out).toContain(title)
    expect(code).toBe(0)
  })

  it('exits with 1 for an unknown checkout and with 2 for an invalid ID', async () => {
    const absent = await call(['diagnose', '--lock', '0192cccc-0000-7000-8000-00000000ffff'])
    expect(absent).toMatchObject({ code: 1, out: '', err: expect.stringContaining('there is no checkout') })
    expect(await call(['diagnose', '--lock', 'nonsense'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Expected a checkout lock ID (a UUID).'),
    })
  })

  it('removes terminal commands from stored values', async () => {
    await opened.database.execute(
      `update holdfast.price_snapshots set sku = e'MUG\\u001b[2J' where checkout_id = '${checkoutId.failed}' and line_no = 1`,
    )
    expect((await call(['diagnose', '--lock', checkoutId.failed])).out).not.toContain('\u001b')
  })
})

describe('cleanup', () => {
  it('ends expired checkouts', async () => {
    await opened.database.execute(
      `update holdfast.checkouts set expires_at = now() - interval '1 second', wake_at = now() - interval '1 second'
       where id = '${checkoutId.pending}'`,
    )
    expect(await call(['cleanup'])).toMatchObject({ code: 0, out: '1 expired lock cleaned up\n' })
    expect((await engine.getCheckoutStatus(checkoutId.pending))?.lock.state).toBe('failed')
    expect(JSON.parse((await call(['cleanup', '--json'])).out)).toEqual({
      expired: 0,
      waiting: 0,
      forgotten: 0,
    })
  })

  it('deletes old processed webhooks', async () => {
    await opened.database.execute(
      `insert into holdfast.webhooks (gateway, event_id, type, payload, handled_at)
       values ('sandbox', 'old', 'payment.captured', '{}', now() - interval '1 year')`,
    )
    expect(await call(['cleanup'])).toMatchObject({
      code: 0,
      out: '0 expired locks cleaned up\n1 old webhook deleted\n',
    })
  })
})

describe('release', () => {
  it('ends a checkout and records the actor and the reason', async () => {
    const { code, out } = await call(['release', checkoutId.pending, '--actor', 'ada', '--reason', 'buyer called'])
    expect(out).toBe(`${checkoutId.pending}  released: stock, coupon, payment, and cart\n`)
    expect(code).toBe(0)
    expect((await call(['audit'])).lines.at(-1)).toBe('0 violations')
  })

  it('exits with 1 if the checkout has become an order', async () => {
    const { code, out } = await call(['release', checkoutId.completed])
    expect(out).toContain('Completed: order ')
    expect(code).toBe(1)
  })

  it('exits with 1 if there is no such checkout', async () => {
    const { code, err } = await call(['release', '0192cccc-0000-7000-8000-00000000ffff'])
    expect(err).toBe('Checkout not found.\n')
    expect(code).toBe(1)
  })
})

describe('capture', () => {
  it('exits with 0 if the order is already paid, and records the actor', async () => {
    const { code, out } = await call(['capture', checkoutId.completed, '--actor', 'ada'])
    expect(out).toContain('Completed: order ')
    expect(code).toBe(0)
    const [action] = await opened.database.query<{ actor: string }>(
      statement('test_captures', "select actor from holdfast.admin_actions where action = 'capture'"),
    )
    expect(action?.actor).toBe('ada')
  })

  it('refuses a checkout that is not waiting for its capture', async () => {
    const { code, err } = await call(['capture', checkoutId.failed])
    expect(err).toContain('cannot be captured')
    expect(code).toBe(1)
  })
})

describe('retry', () => {
  it('completes a checkout that was interrupted during its capture', async () => {
    const { code, out } = await call(['retry', checkoutId.capturing])
    expect(out).toMatch(/Completed: order \d+, paid, 23\.00 USD/)
    expect(code).toBe(0)
    const lines = (await call(['audit'])).lines
    expect(lines.at(-1), lines.join('\n')).toBe('0 violations')
  })

  it('exits with 1 if the checkout has already failed', async () => {
    expect(await call(['retry', checkoutId.failed])).toMatchObject({
      code: 1,
      out: expect.stringContaining('capture_refused'),
    })
  })
})

describe('refund', () => {
  const sold = () => engine.diagnose(checkoutId.completed).then(found => found?.order ?? null)
  const number = async () => (await sold())?.number ?? ''

  it('refunds units and shipping, restocks the units, and records the actor', async () => {
    const line = ['refund', checkoutId.completed, '--line', 'MUG=1', '--shipping', '--restock', '--actor', 'ada']
    const { code, out } = await call([...line, '--reason', 'broken'])
    expect(out).toBe(`order ${await number()}: 14.00 USD refunded (1 × MUG); 9.00 USD of 23.00 USD remain\n`)
    expect(code).toBe(0)
    const recorded = statement('cli_test_actions', 'select action, actor, details from holdfast.admin_actions')
    expect(await opened.database.query(recorded)).toMatchObject([
      { action: 'refund', actor: 'ada', details: { amountMinor: 1400, reason: 'broken', restock: true } },
    ])
    expect((await call(['audit'])).lines.at(-1)).toBe('0 violations')
  })

  it('accepts the number and the ID of an order, refunds an amount, then the rest', async () => {
    const named = await number()
    expect(await call(['refund', named, '--amount', '3.50'])).toMatchObject({
      code: 0,
      out: `order ${named}: 3.50 USD refunded; 19.50 USD of 23.00 USD remain\n`,
    })
    expect((await call(['refund', (await sold())?.id ?? ''])).out).toBe(
      `order ${named}: 19.50 USD refunded (2 × MUG); fully refunded\n`,
    )
  })

  it('returns the first result for a repeated key', async () => {
    const line = ['refund', checkoutId.completed, '--line', 'MUG=1', '--key', 'parcel']
    for (const asked of [line, line]) expect((await call(asked)).code).toBe(0)
    expect(JSON.parse((await call([...line, '--json'])).out)).toMatchObject({
      status: 'refunded',
      refundedMinor: 900,
      order: { refundedMinor: 900 },
    })
    expect(await call([...line, '--shipping'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('another refund'),
    })
  })

  it('exits with 1 for a refused refund, and prints what is refundable', async () => {
    const { code, err, out } = await call(['refund', checkoutId.completed, '--line', 'MUG=3'])
    expect(err).toBe(
      'cannot refund 3 of MUG: 2 of 2 can be refunded\nrefundable: 23.00 USD (2 × MUG, shipping 5.00 USD)\n',
    )
    expect({ code, out }).toEqual({ code: 1, out: '' })
    const refused = await call(['refund', checkoutId.refunded, '--json'])
    expect(JSON.parse(refused.out)).toMatchObject({
      status: 'refused',
      code: 'not_refundable',
      context: { refundable: 0 },
    })
    expect(refused.code).toBe(1)
    expect(await call(['refund', checkoutId.pending])).toMatchObject({
      code: 1,
      err: `there is no order ${checkoutId.pending}\n`,
    })
    expect(await call(['refund', '999999999999999'])).toMatchObject({ code: 1 })
  })

  it.each([
    ['--amount', '1250'],
    ['--amount', '12.5'],
    ['--amount', '12.500'],
    ['--amount', '-1.00'],
    ['--amount', 'all'],
    ['--line', 'MUG'],
    ['--line', 'MUG=0'],
    ['--line', 'MUG=1.5'],
    ['--line', '=1'],
    ['--key', ''],
  ])('exits with 2 for %s %s, and refunds nothing', async (option, value) => {
    const { code, err } = await call(['refund', checkoutId.completed, option, value])
    expect(err).not.toBe('')
    expect(code).toBe(2)
    expect((await sold())?.refundedMinor).toBe(0)
  })

  it('exits with 2 if the order is missing or blank', async () => {
    expect((await call(['refund'])).code).toBe(2)
    expect((await call(['refund', ' '])).code).toBe(2)
  })
})

describe('import', () => {
  const head = 'Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty\n'

  it('imports a file and reports the changes', async () => {
    writeFileSync(join(directory, 'products.csv'), `${head}cup,Cup,Title,Default Title,CUP,4.50,7\n`)
    const { code, out, err } = await call(['import', 'products.csv', '--currency', 'eur'])
    expect(out).toContain('prices in EUR, stock at main')
    expect(err).toBe('')
    expect(code).toBe(0)
    const again = JSON.parse((await call(['import', 'products.csv', '--currency', 'eur', '--json'])).out)
    expect(again).toMatchObject({ products: { created: 0, updated: 0, unchanged: 1 }, currency: 'EUR' })
  })

  it('lists the rows that it skipped and exits with 1', async () => {
    writeFileSync(join(directory, 'products.csv'), `${head}cup,Cup,Title,Default Title,CUP,four,7\n`)
    const { code, out } = await call(['import', 'products.csv'])
    expect(out).toMatch(/^ +2 {2}Variant Price "four"/m)
    expect(out).toContain('2 problems')
    expect(code).toBe(1)
  })

  it('shows progress only in a terminal', async () => {
    writeFileSync(join(directory, 'products.csv'), `${head}cup,Cup,Title,Default Title,CUP,4.50,7\n`)
    expect((await call(['import', 'products.csv'], { isTty: true })).err).toContain('1 product, 1 variant')
  })

  it('exits with 2 for a missing file', async () => {
    const { code, err } = await call(['import', 'missing.csv'])
    expect(err).toContain('missing.csv')
    expect(code).toBe(2)
  })
})

describe('migrate', () => {
  it('lists the applied migrations, or reports that there are none', async () => {
    expect(await call(['migrate'])).toMatchObject({ code: 0, out: 'the database is up to date\n' })
    expect(await call(['migrate'], { migrated: ['0001_store'] })).toMatchObject({
      code: 0,
      out: 'applied 0001_store\n',
    })
  })
})

describe('the command line', () => {
  it('exits with 2 for an unknown command or option, a missing argument, or an invalid number', async () => {
    for (const line of [['nonsense'], ['audit', '--nonsense'], ['import'], ['monitor', '--hours', '0'], []]) {
      const { code, err, out } = await call(line)
      expect({ line, code }).toEqual({ line, code: 2 })
      expect(err).not.toBe('')
      expect(out).toBe('')
    }
  })

  it('prints help for every command, with examples', async () => {
    const help = await call(['--help'])
    expect(help.code).toBe(0)
    for (const word of ['serve', 'import', 'CHECKOUT_TTL_MINUTES', 'Exit codes']) expect(help.out).toContain(word)
    for (const name of [
      'serve',
      'work',
      'migrate',
      'import',
      'monitor',
      'diagnose',
      'audit',
      'webhooks',
      'cleanup',
      'release',
      'retry',
      'refund',
    ]) {
      const { code, out } = await call([name, '--help'])
      expect(code).toBe(0)
      expect(out).toMatch(/Examples?:/)
    }
  })

  it('prints its version', async () => {
    expect(await call(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it('parses the options of serve', async () => {
    expect((await call(['serve', '--port', '0', '--host', '::1', '--demo'])).out).toBe('serve 0 ::1 true')
    expect((await call(['serve', '--port', '65536'])).code).toBe(2)
  })
})
