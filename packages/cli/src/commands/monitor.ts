/** `holdfast monitor`: current health and the statistics of the last hours, once or live. */
import { Command, Option } from 'commander'
import { throughput } from 'holdfast/operations'
import { type CommandContext, type CommandHost, wholeNumber, writeJson } from '../command.ts'
import { type Figures, wholeFrame } from '../monitor/frame.ts'
import { watchFigures } from '../monitor/watch.ts'

export interface MonitorOptions {
  hours?: number
  /** Seconds between two readings; true: two seconds. */
  watch?: number | true
  json?: boolean
  /** Seconds per throughput bucket. */
  step?: number
}

/** Throughput buckets per reading. */
const bucketCount = 60
const watchSeconds = 2

async function readFigures(
  { engine, database }: CommandContext,
  { hours = 24, step = 60 }: MonitorOptions,
): Promise<Figures> {
  const [health, statistics, ended] = await Promise.all([
    engine.health(),
    engine.statistics({ hours }),
    throughput(database, { hours, bucketSeconds: step, buckets: bucketCount }),
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
    .description('Show current health and the statistics of the last hours')
    .option('--hours <number>', 'Hours to look back', wholeNumber(1, 8_784), 24)
    .option(
      '--watch [seconds]',
      'Refresh every 2 seconds, or every given number of seconds; stop with Ctrl-C',
      wholeNumber(1, 3_600),
    )
    .option('--json', 'Print JSON; with --watch one document per line')
    .addOption(new Option('--step <seconds>').argParser(wholeNumber(1, 3_600)).default(60).hideHelp())
    .addHelpText(
      'after',
      `
Exit codes: 0: healthy, 1: not healthy. With --watch the last reading counts.

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
