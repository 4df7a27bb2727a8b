/** The demonstration: it never sells more than there is, ends clean, and leaves nothing behind, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, it } from 'vitest'
import type { Caller, CommandHost } from '../../src/cli/command.ts'
import { render } from '../../src/cli/flash-sale-canvas.ts'
import { drawEnd, drawSale } from '../../src/cli/flash-sale-drawing.ts'
import { planBuyers } from '../../src/cli/flash-sale-plans.ts'
import type { SaleReport } from '../../src/cli/flash-sale-report.ts'
import { countEnd, newScene, record, type Scene } from '../../src/cli/flash-sale-scene.ts'
import { showSale } from '../../src/cli/flash-sale-show.ts'
import { runProgram } from '../../src/cli/program.ts'
import { statement } from '../../src/store/database.ts'
import { connectPostgres } from '../../src/store/postgres.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const ownDirectory = 'no directory of the caller is used'

/** Runs the command in this process; those of its shop are real ones. */
async function call(line: string[], databaseUrl?: string) {
  let out = ''
  let err = ''
  const caller = {
    out(text: string) {
      out += text
    },
    err(text: string) {
      err += text
    },
    colours: false,
    isTty: false,
    directory: ownDirectory,
  }
  const host = { caller, environment: databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl } } as CommandHost
  const code = await runProgram(['flash-sale', ...line], host)
  return { code, out, err }
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

const directories = () => readdirSync(tmpdir()).filter(name => name.startsWith('holdfast-flash-sale-'))

const small = ['--buyers', '60', '--units', '5', '--seconds', '3', '--seed', '11']

function expectClean({ code, out }: { code: number; out: string }): SaleReport {
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

/** On a busy machine a sale takes its time to open. */
const timeout = 180_000

describe('a sale', { timeout }, () => {
  it('sells no unit twice on the embedded database, which is killed in the middle, and leaves no file', async () => {
    const before = directories()
    const report = expectClean(await call([...small, '--json']))
    expect(report).toMatchObject({ database: 'embedded', buyers: 60, units: 5, seed: 11 })
    expect(report.kills).toBeGreaterThan(1)
    expect(directories()).toEqual(before)
  })

  it('sells no unit twice on PostgreSQL while its processes are killed, in a database that is dropped', async () => {
    const report = expectClean(await call([...small, '--json', '--processes', '2'], inject('postgresUrl')))
    expect(report).toMatchObject({ database: 'postgres', processes: 2 })
    expect(report.kills).toBeGreaterThan(0)
    expect(await leftDatabases()).toEqual([])
  })

  it('says what is wrong with an address, without the address', async () => {
    const { code, err } = await call(small, 'mysql://me:hunter2@localhost/shop')
    expect(code).toBe(2)
    expect(err).toContain('postgres://user:password@host:port/database')
    expect(err).not.toContain('hunter2')
  })

  it('says in a sentence that the user may not make databases', async () => {
    await asAdministrator(administrator =>
      administrator.execute(`drop role if exists flash_sale_guest; create role flash_sale_guest login`),
    )
    const url = new URL(inject('postgresUrl'))
    url.username = 'flash_sale_guest'
    const { code, err } = await call(small, url.href)
    expect(err).toMatch(/this user may not make one.*createdb/)
    expect(err.trimEnd()).not.toContain('\n')
    expect(code).toBe(2)
    await asAdministrator(administrator => administrator.execute('drop role flash_sale_guest'))
  })
})

describe('a sale that does not come to its end', { timeout }, () => {
  let child: ChildProcess | null = null
  afterEach(() => {
    child?.kill('SIGKILL')
  })

  /** The whole command as a process of its own, once its doors are open. */
  async function opened(): Promise<ChildProcess> {
    const started = spawn(
      process.execPath,
      [
        '--import',
        import.meta.resolve('tsx'),
        main,
        'flash-sale',
        '--buyers',
        '50',
        '--seconds',
        '100',
        '--processes',
        '1',
      ],
      { env: { ...process.env, DATABASE_URL: inject('postgresUrl') }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    child = started
    let said = ''
    started.stderr?.on('data', (chunk: Buffer) => {
      said += chunk
    })
    await expect.poll(() => said, { timeout: 60_000, interval: 50 }).toContain('doors open')
    return started
  }

  it('drops its database at Ctrl-C, and says so by its code', async () => {
    const sale = await opened()
    const end = once(sale, 'exit')
    sale.kill('SIGINT')
    expect(await end).toEqual([130, null])
    expect(await leftDatabases()).toEqual([])
  })

  it('leaves nothing even when it is killed: its processes clean up after it', async () => {
    const sale = await opened()
    expect(await leftDatabases()).toHaveLength(1)
    sale.kill('SIGKILL')
    await expect.poll(leftDatabases, { timeout: 30_000, interval: 100 }).toEqual([])
  })
})

describe('the crowd', () => {
  it('is the same for the same seed, another for another', () => {
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

  it('shows every unit, and what was killed, also without colours', () => {
    const text = textOf(inTheMiddle(), 80, 24).join('\n')
    const [grid = ''] = text.split('\n\n')[1]?.split('  ■ 33 sold') ?? []
    expect(grid.replaceAll(/\s/g, '')).toBe('■'.repeat(33) + '▣'.repeat(12) + '□'.repeat(5))
    expect(text).toContain('33 sold')
    expect(text).toContain('✕  fault 9')
    expect(text).not.toContain('\u001b')
    expect(textOf(inTheMiddle(), 80, 24, true).join('')).toContain('\u001b[32m■')
  })

  it('keeps stock and pace for the end', () => {
    const text = drawEnd(inTheMiddle(), { columns: 80, rows: 40 }).map(line => render(line, 80, false))
    expect(text.join('\n')).toContain('faults')
  })

  it('gives the terminal back as it was, and draws again where its size changed', () => {
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
      directory: ownDirectory,
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
