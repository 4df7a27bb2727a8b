/** `holdfast flash-sale`: simulated buyers compete for a few units while processes are killed. It ends with an audit. */
import { randomInt } from 'node:crypto'
import { Command, InvalidArgumentError } from 'commander'
import { CheckoutError } from 'holdfast'
import { configVariables } from 'holdfast/operations'
import { type Caller, type CommandHost, wholeNumber, writeJson } from '../command.ts'
import { type Line, render } from '../flash-sale/canvas.ts'
import { drawEnd, honesty } from '../flash-sale/drawing.ts'
import { linesOf, reportOf, type SaleReport } from '../flash-sale/report.ts'
import { holdSale, Interrupted } from '../flash-sale/sale.ts'
import { newScene, type Scene } from '../flash-sale/scene.ts'
import { showSale } from '../flash-sale/show.ts'

interface FlashSaleOptions {
  buyers: number
  units: number
  seconds: number
  processes: number
  faults: 'on' | 'off'
  seed?: number
  databaseUrl?: string
  json?: boolean
}

const seedMax = 2 ** 32 - 1
/** The shell's exit code for a command that Ctrl-C ended. */
const interruptedCode = 130

function onOrOff(text: string): string {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('Expected on or off.')
  return text
}

/** @throws {CheckoutError} `invalid_argument`, without the URL, because it may contain a password. */
function databaseUrlOf(given: string): string | null {
  if (given === '') return null
  const { parse, accepted } = configVariables.databaseUrl
  const parsed = parse.safeParse(given)
  if (parsed.success && URL.canParse(given)) return parsed.data
  throw new CheckoutError('invalid_argument', `Invalid database URL. Accepted: ${accepted}.`)
}

/** Aborted by the first Ctrl-C or termination signal. The second one exits at once. */
function interruption(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(interruptedCode)
    controller.abort()
  }
  for (const signal of signals) process.on(signal, interrupt)
  return {
    signal: controller.signal,
    end() {
      for (const signal of signals) process.off(signal, interrupt)
    },
  }
}

function print(caller: Caller, scene: Scene, report: SaleReport): void {
  const size = caller.isTty ? caller.terminal?.size() : undefined
  const picture: Line[] = size === undefined ? [] : [[], ...drawEnd(scene, size), []]
  for (const line of [...picture, ...linesOf(report), [], [['quiet', `  ${honesty(scene)}`] as const]]) {
    caller.out(`${render(line, size?.columns ?? Number.POSITIVE_INFINITY, caller.colours)}\n`)
  }
}

async function run(host: CommandHost, options: FlashSaleOptions): Promise<number> {
  const { caller, environment } = host
  const { buyers, units, seconds, processes: desks, seed = randomInt(seedMax) } = options
  const databaseUrl = databaseUrlOf((options.databaseUrl ?? environment.DATABASE_URL ?? '').trim())
  const kind = databaseUrl === null ? 'embedded' : 'postgres'
  const scene = newScene({ kind, buyers, units, seconds, seed, hasFaults: options.faults === 'on' })
  const { signal: interrupted, end } = interruption()
  try {
    const stop = options.json === true ? () => {} : showSale(caller, scene)
    const ended = await holdSale({ scene, databaseUrl, desks, interrupted }).finally(stop)
    const report = reportOf(scene, ended)
    if (options.json === true) writeJson(caller, report)
    else print(caller, scene, report)
    return report.wrong.length === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    caller.err('the sale was interrupted; its database is removed\n')
    return interruptedCode
  } finally {
    end()
  }
}

export function flashSaleCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('flash-sale')
    .description('Run a simulated sale while processes are killed')
    .option('--buyers <number>', 'Number of buyers', wholeNumber(1, 20_000), 2_000)
    .option('--units <number>', 'Number of units in stock', wholeNumber(1, 100_000), 50)
    .option('--seconds <number>', 'Maximum duration of the sale', wholeNumber(2, 300), 20)
    .option('--processes <number>', 'Number of engines; on PostgreSQL each is a separate process', wholeNumber(1, 8), 3)
    .option('--faults <on|off>', 'Kill processes, drop gateway answers, cut connections', onOrOff, 'on')
    .option('--seed <number>', 'Seed that reproduces the buyers (default: random)', wholeNumber(0, seedMax))
    .option('--database-url <url>', 'PostgreSQL server (default: DATABASE_URL, else an embedded database)')
    .option('--json', 'Print the report as JSON, without a picture')
    .addHelpText(
      'after',
      `
The sale uses its own database, in a temporary directory or on the PostgreSQL server, and deletes it at the end.
Your shop is not touched.
Buyers and their bank are simulated by the sandbox; engines, database, locks, stock, and payment ledger are real.
On PostgreSQL, processes are killed with SIGKILL and their connections are cut.
On the embedded database, engines are abandoned mid-work; the process that holds the database is killed with SIGKILL.
To make recovery visible, leases last 3 to 5 seconds, and an abandoned lock expires at once.

After --seconds no more buyers arrive, and every checkout must end within 45 seconds.
Exit codes: 0: nothing oversold, no charge without an order, no audit violation; 1: a check failed; 130: Ctrl-C.

Examples:
  holdfast flash-sale
  holdfast flash-sale --buyers 10000 --units 100 --seconds 60 --database-url postgres://localhost/shop`,
    )
    .action(async (options: FlashSaleOptions) => done(await run(host, options)))
}
