/** `holdfast monitor`: health now, and the figures of the last hours. */
import { Command } from 'commander'
import { type RestingState, stateName } from '../checkout/states.ts'
import type { HealthReport, Statistics } from '../checkout-engine.ts'
import { type CommandContext, type CommandHost, wholeNumber, writeJson } from './command.ts'
import { cell, paint, table } from './table.ts'

export interface MonitorOptions {
  hours?: number
  json?: boolean
}

export async function runMonitor(context: CommandContext, options: MonitorOptions = {}): Promise<number> {
  const [health, statistics] = await Promise.all([
    context.engine.health(),
    context.engine.statistics({ hours: options.hours ?? 24 }),
  ])
  if (options.json) writeJson(context, { health, statistics })
  else {
    printHealth(context, health)
    printStatistics(context, statistics)
  }
  return health.status === 'healthy' ? 0 : 1
}

const toneOf = { ok: 'good', warning: 'warning', critical: 'bad' } as const

export function printHealth(context: CommandContext, health: HealthReport): void {
  const rows = Object.entries(health.checks).map(([name, { status, message }]) => [
    name,
    paint(context, toneOf[status], status),
    cell(message),
  ])
  context.out(table(context, ['check', 'status', ''], rows))
  const tone = health.status === 'healthy' ? 'good' : health.status === 'degraded' ? 'warning' : 'bad'
  context.out(`${paint(context, tone, health.status)}\n`)
}

function printStatistics(context: CommandContext, figures: Statistics): void {
  const { hours, successRate, durationMs } = figures
  const rows = [
    ['active now', String(figures.active)],
    ['completed', String(figures.completed)],
    ['failed', String(figures.failed)],
    ['of these expired', String(figures.expired)],
    ['success rate', successRate === null ? '–' : `${(successRate * 100).toFixed(1)} %`],
    [
      'duration p50 / p95 / p99',
      durationMs === null ? '–' : `${durationMs.p50} / ${durationMs.p95} / ${durationMs.p99} ms`,
    ],
  ]
  context.out(`\nstarted in the last ${hours} ${hours === 1 ? 'hour' : 'hours'}\n`)
  context.out(table(context, ['', ''], rows, { right: [1] }))
  const states = Object.entries(figures.byState)
  if (states.length > 0) {
    context.out(
      table(
        context,
        ['state', 'checkouts'],
        states.map(([state, count]) => [stateName(state as RestingState), String(count)]),
        { right: [1] },
      ),
    )
  }
  if (figures.failureReasons.length === 0) return
  const reasons = figures.failureReasons.map(({ code, phase, count }) => [
    cell(code),
    cell(phase ?? '–'),
    String(count),
  ])
  context.out(table(context, ['failed because', 'in phase', 'checkouts'], reasons, { right: [2] }))
}

export function monitorCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('monitor')
    .alias('statistics')
    .description('health now, and the figures of the last hours')
    .option('--hours <number>', 'how far to look back', wholeNumber(1, 8_784), 24)
    .option('--json', 'print both as JSON')
    .addHelpText(
      'after',
      '\nExit code 0 when healthy, 1 when not.\n\nExamples:\n  holdfast monitor\n  holdfast monitor --hours 1 --json',
    )
    .action(async (options: MonitorOptions) => done(await host.run(context => runMonitor(context, options))))
}
