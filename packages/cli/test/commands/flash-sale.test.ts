/** `holdfast flash-sale`: never oversells, passes its audit, and deletes its database however it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { statement } from '../../../holdfast/src/database/database.ts'
import { connectPostgres } from '../../../holdfast/src/database/postgres/postgres.ts'
import type { Caller } from '../../src/command.ts'
import { planBuyers } from '../../src/flash-sale/buyer-plans.ts'
import { render } from '../../src/flash-sale/canvas.ts'
import { drawEnd, drawSale } from '../../src/flash-sale/drawing.ts'
import type { SaleReport } from '../../src/flash-sale/report.ts'
import { countEnd, newScene, record, type Scene } from '../../src/flash-sale/scene.ts'
import { showSale } from '../../src/flash-sale/show.ts'

const running = new Set<ChildProcess>()
let temporary: string

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
})
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(temporary, { recursive: true, force: true })
})

/** Starts the command as a separate process. */
function start(line: readonly string[], databaseUrl?: string) {
  const child = spawn(process.execPath, [inject('main'), 'flash-sale', ...line], {
    cwd: temporary,
    env: {
      PATH: process.env.PATH,
      TMPDIR: temporary,
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    },
  })
  running.add(child)
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.err += chunk
  })
  const code = once(child, 'close').then(([exitCode]) => {
    running.delete(child)
    return exitCode as number | null
  })
  return { child, output, code }
}

async function call(line: readonly string[], databaseUrl?: string) {
  const { output, code } = start(line, databaseUrl)
  return { code: await code, ...output }
}

const selectSales = statement(
  'test_flash_sale_databases',
  `select datname from pg_database where starts_with(datname, 'holdfast_flash_sale_')`,
)

async function asAdministrator<Result>(
  work: (administrator: Awaited<ReturnType<typeof connectPostgres>>) => Promise<Result>,
): Promise<Result> {
  const administrator = await connectPostgres({ url: inject('postgresUrl'), poolMax: 1 })
  try {
    return await work(administrator)
  } finally {
    await administrator.close()
  }
}
const leftDatabases = () => asAdministrator(administrator => administrator.query(selectSales))

const small = ['--buyers', '60', '--units', '5', '--seconds', '4', '--seed', '11']

function expectClean({ code, out }: { code: number | null; out: string }): SaleReport {
  const report = JSON.parse(out) as SaleReport
  expect(report.wrong).toEqual([])
  expect(report).toMatchObject({ oversold: 0, chargedWithoutOrder: 0, differingAnswers: 0, drained: true })
  expect(report.audit.violations).toBe(0)
  expect(report.unitsSold).toBeGreaterThan(0)
  expect(report.unitsSold).toBeLessThanOrEqual(5)
  const { paid, soldOut, declined, undone, unserved } = report
  expect(paid + soldOut + declined + undone + unserved).toBe(60)
  expect(code).toBe(0)
  return report
}

/** A sale opens slowly on a busy machine. */
const timeout = 180_000

describe('a sale', { timeout }, () => {
  it('sells no unit twice on the embedded database, which is killed during the sale, and leaves no file', async () => {
    const report = expectClean(await call([...small, '--json']))
    expect(report).toMatchObject({ database: 'embedded', buyers: 60, units: 5, seed: 11 })
    expect(report.kills).toBeGreaterThan(0)
    expect(readdirSync(temporary)).toEqual([])
  })

  it('sells no unit twice on PostgreSQL while its processes are killed, and drops its database', async () => {
    const report = expectClean(await call([...small, '--json', '--processes', '2'], inject('postgresUrl')))
    expect(report).toMatchObject({ database: 'postgres', processes: 2 })
    expect(report.kills).toBeGreaterThan(0)
    expect(await leftDatabases()).toEqual([])
  })

  it('refuses an invalid database URL without printing it', async () => {
    const { code, err } = await call(small, 'mysql://me:hunter2@localhost/shop')
    expect(code).toBe(2)
    expect(err).toContain('postgres://user:password@host:port/database')
    expect(err).not.toContain('hunter2')
  })

  it('reports in one sentence that the user may not create databases', async () => {
    await asAdministrator(administrator =>
      administrator.execute(`drop role if exists flash_sale_guest; create role flash_sale_guest login`),
    )
    const url = new URL(inject('postgresUrl'))
    url.username = 'flash_sale_guest'
    const { code, err } = await call(small, url.href)
    expect(err).toMatch(/This user may not create databases.*createdb/)
    expect(err.trimEnd()).not.toContain('\n')
    expect(code).toBe(2)
    await asAdministrator(administrator => administrator.execute('drop role flash_sale_guest'))
  })
})

describe('an interrupted sale', { timeout }, () => {
  /** Starts a sale and waits until it is open. */
  async function opened() {
    const line = ['--buyers', '50', '--seconds', '100', '--processes', '1']
    const sale = start(line, inject('postgresUrl'))
    await expect.poll(() => sale.output.err, { timeout: 60_000, interval: 50 }).toContain('sale opens')
    return sale
  }

  it('drops its database after Ctrl-C and exits with 130', async () => {
    const { child, code } = await opened()
    child.kill('SIGINT')
    expect(await code).toBe(130)
    expect(await leftDatabases()).toEqual([])
  })

  it('leaves no database after SIGKILL, because its processes clean up', async () => {
    const { child } = await opened()
    expect(await leftDatabases()).toHaveLength(1)
    child.kill('SIGKILL')
    await expect.poll(leftDatabases, { timeout: 30_000, interval: 100 }).toEqual([])
  })
})

describe('the buyers', () => {
  it('are the same for the same seed and differ for another seed', () => {
    expect(planBuyers(7, 200, 10_000)).toEqual(planBuyers(7, 200, 10_000))
    expect(planBuyers(8, 200, 10_000)).not.toEqual(planBuyers(7, 200, 10_000))
  })
})

describe('the picture', () => {
  function inTheMiddle(units = 50): Scene {
    const scene = newScene({ kind: 'postgres', buyers: 2_000, units, seconds: 20, seed: 1, hasFaults: true })
    scene.step = 'sale'
    scene.desks = [
      { number: 1, condition: 'open', pid: 1 },
      { number: 2, condition: 'dead', pid: 2 },
    ]
    for (let second = 1; second <= 9; second += 1) {
      scene.elapsedMs = second * 1_000
      for (let end = 0; end < second * 20; end += 1) countEnd(scene)
      record(scene, second % 3 === 0 ? 'dead' : 'harm', `fault ${second}`)
    }
    scene.stock = { free: 5, held: 12, sold: units - 17 }
    return scene
  }
  const textOf = (scene: Scene, columns: number, rows: number, colours = false) =>
    drawSale(scene, { columns, rows }).map(line => render(line, columns, colours))

  it.each([
    [80, 24],
    [120, 40],
    [300, 100],
    [40, 10],
    [10, 3],
    [1, 1],
  ])('fits into %i columns and %i rows', (columns, rows) => {
    for (const scene of [inTheMiddle(), inTheMiddle(100_000), newScene({ ...inTheMiddle(), units: 1 })]) {
      const lines = textOf(scene, columns, rows)
      expect(lines.length).toBeLessThanOrEqual(rows)
      expect(Math.max(...lines.map(line => [...line].length))).toBeLessThanOrEqual(columns)
    }
  })

  it('shows every unit and every killed process, also without colours', () => {
    const text = textOf(inTheMiddle(), 80, 24).join('\n')
    const [grid = ''] = text.split('\n\n')[1]?.split('  ■ 33 sold') ?? []
    expect(grid.replaceAll(/\s/g, '')).toBe('■'.repeat(33) + '▣'.repeat(12) + '□'.repeat(5))
    expect(text).toContain('33 sold')
    expect(text).toContain('✕  fault 9')
    expect(text).not.toContain('\u001b')
    expect(textOf(inTheMiddle(), 80, 24, true).join('')).toContain('\u001b[32m■')
  })

  it('shows stock and pace at the end', () => {
    const text = drawEnd(inTheMiddle(), { columns: 80, rows: 40 }).map(line => render(line, 80, false))
    expect(text.join('\n')).toContain('faults')
  })

  it('redraws after a resize, and restores the terminal', () => {
    let written = ''
    let resized = (): void => {}
    const size = { columns: 80, rows: 24 }
    const caller: Caller = {
      out(text) {
        written += text
      },
      err() {},
      colours: false,
      isTty: true,
      directory: temporary,
      terminal: {
        size: () => size,
        onResize(run) {
          resized = run
          return () => {}
        },
      },
    }
    const stop = showSale(caller, inTheMiddle())
    expect(written).toContain('holdfast flash sale')
    written = ''
    size.columns = 40
    resized()
    expect(written).toContain('holdfast flash sale')
    stop()
    expect(written.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    stop()
    expect(written.split('\u001b[?1049l')).toHaveLength(2)
  })
})
