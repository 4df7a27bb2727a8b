/** `holdfast flash-sale`: simulated buyers race for a few units while processes are really killed; ends with the audit. */
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
/** As a shell says of a command that Ctrl-C ended. */
const interruptedCode = 130

function onOrOff(text: string): string {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('It is on or off.')
  return text
}

/** @throws {CheckoutError} `invalid_argument`, without the address, which may hold a password. */
function address(given: string): string | null {
  if (given === '') return null
  const { parse, accepted } = configVariables.databaseUrl
  const parsed = parse.safeParse(given)
  if (parsed.success && URL.canParse(given)) return parsed.data
  throw new CheckoutError('invalid_argument', `The address of the database is no address; accepted: ${accepted}.`)
}

/** Aborted by Ctrl-C and the like; a second time the process ends at once. */
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
  const databaseUrl = address((options.databaseUrl ?? environment.DATABASE_URL ?? '').trim())
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
    caller.err('the sale was ended early; what it made for itself is removed\n')
    return interruptedCode
  } finally {
    end()
  }
}

export function flashSaleCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('flash-sale')
    .description('show a sale: thousands of simulated buyers race for a few units while processes are killed')
    .option('--buyers <number>', 'how many buyers come', wholeNumber(1, 20_000), 2_000)
    .option('--units <number>', 'how many units there are', wholeNumber(1, 100_000), 50)
    .option('--seconds <number>', 'how long the sale may take', wholeNumber(2, 300), 20)
    .option('--processes <number>', 'engines that serve, on PostgreSQL each a process of its own', wholeNumber(1, 8), 3)
    .option('--faults <on|off>', 'kill processes, lose the gateway’s answers, cut connections', onOrOff, 'on')
    .option('--seed <number>', 'the same crowd again (default: another each time)', wholeNumber(0, seedMax))
    .option('--database-url <url>', 'a PostgreSQL server (default: DATABASE_URL, else an embedded database)')
    .option('--json', 'print the report as one JSON document, and draw nothing')
    .addHelpText(
      'after',
      `
The sale has a database of its own, in a temporary directory or on the PostgreSQL server, and removes it at the end. Your
shop is not touched. Buyers and their bank are simulated (by the sandbox); the engines, the database, locks, stock and the
ledger of payments are real. On PostgreSQL every process is really killed with SIGKILL and its connections are cut. On the
embedded database engines are abandoned where they stand, and the process that holds the database is killed with SIGKILL.
So that it can be watched, leases are of 3 to 5 seconds, and a lock that its buyer left ends at once.

It ends by itself: after --seconds nobody comes any more, and all must come to rest within 45 seconds. Exit code 0 when nothing
was oversold, nobody was charged without an order and the audit finds no violation; 1 when not; 130 after Ctrl-C.

Examples:
  holdfast flash-sale
  holdfast flash-sale --buyers 10000 --units 100 --seconds 60 --database-url postgres://localhost/shop`,
    )
    .action(async (options: FlashSaleOptions) => done(await run(host, options)))
}
