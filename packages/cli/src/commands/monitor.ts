/** `holdfast monitor`: health now, and the figures of the last hours; once, or again and again. */
import { Command, Option } from 'commander'
import { throughput } from 'holdfast/operations'
import { type CommandContext, type CommandHost, wholeNumber, writeJson } from '../command.ts'
import { type Figures, wholeFrame } from '../monitor/frame.ts'
import { watchFigures } from '../monitor/watch.ts'

export interface MonitorOptions {
  hours?: number
  /** Seconds from one look to the next; true: two. */
  watch?: number | true
  json?: boolean
  /** Seconds of one step of throughput. */
  step?: number
}

/** So many steps of throughput are read. */
const steps = 60
const watchSeconds = 2

async function readFigures(
  { engine, database }: CommandContext,
  { hours = 24, step = 60 }: MonitorOptions,
): Promise<Figures> {
  const [health, statistics, ended] = await Promise.all([
    engine.health(),
    engine.statistics({ hours }),
    throughput(database, { hours, bucketSeconds: step, buckets: steps }),
  ])
  return { health, statistics, throughput: ended }
}

export async function runMonitor(context: CommandContext, options: MonitorOptions = {}): Promise<number> {
  const figures = await readFigures(context, options)
  if (options.json) writeJson(context, figures)
  else context.out(`${wholeFrame(context, figures).join('\n')}\n`)
  return figures.health.status === 'healthy' ? 0 : 1
}

function watch(host: CommandHost, { hours = 24, watch: every, json = false }: MonitorOptions): Promise<number> {
  const seconds = typeof every === 'number' ? every : watchSeconds
  const args = ['monitor', '--json', '--hours', String(hours), '--step', String(seconds)]
  return host.watch({ read: context => readFigures(context, { hours, step: seconds }), args }, (read, ended) =>
    watchFigures({ caller: host.caller, read, ended, everyMs: seconds * 1_000, json }),
  )
}

export function monitorCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('monitor')
    .alias('statistics')
    .description('health now, and the figures of the last hours')
    .option('--hours <number>', 'how far to look back', wholeNumber(1, 8_784), 24)
    .option('--watch [seconds]', 'look again and again, every 2 seconds or as said; Ctrl-C ends', wholeNumber(1, 3_600))
    .option('--json', 'print all of it as JSON; with --watch one document a line')
    .addOption(new Option('--step <seconds>').argParser(wholeNumber(1, 3_600)).default(60).hideHelp())
    .addHelpText(
      'after',
      `
Exit code 0 when healthy, 1 when not; with --watch as the last look was.

Examples:
  holdfast monitor
  holdfast monitor --watch
  holdfast monitor --hours 1 --json
  holdfast monitor --watch 10 --json | jq -c '[.health.status, .statistics.active]'`,
    )
    .action(async (options: MonitorOptions) =>
      done(
        options.watch === undefined
          ? await host.run(context => runMonitor(context, options))
          : await watch(host, options),
      ),
    )
}
