/** `npm run prove:broker`: real checkouts tell a real Redis, which is killed in the middle; every event is there, once. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, UsageError, wholeNumber, withDirectory, withPostgres } from '../command.ts'
import { hasRedisServer } from '../processes/redis-server.ts'
import { createProgress } from '../world/progress.ts'
import { type BrokerReport, proveBroker } from './prove-broker.ts'

const usage = `usage: npm run prove:broker -- [options]
  --events N      how many at least (default 10000)
  --restarts N    how often Redis is killed and started again (default 2)
  --seed S        of what happens when (default 1)
  --url URL       a PostgreSQL server to use (superuser) instead of starting one
  --json          for programs
`

function text(report: BrokerReport): string {
  const { events, undelivered } = report
  return describe(
    `${events} events to a Redis stream, seed ${report.seed}`,
    [
      ['checkouts', report.checkouts],
      ['times Redis was killed', report.restarts],
      ['deliveries that failed meanwhile', outOf(report.refused, events)],
      ['begun by a killed server, made again by another', outOf(report.takenOver, events)],
      ['of these in the stream already', outOf(report.repeated, report.takenOver)],
      ['tries in all', report.tries],
      ['', ''],
      ['entries in the stream', report.entries],
      ['events lost', outOf(report.lost, events)],
      ['entries of an event that is there already', outOf(report.twice, report.entries)],
      ['entries of no event', outOf(report.strange, report.entries)],
      ['checkouts whose events are out of order', outOf(report.disordered, report.checkouts)],
      ['events without a delivery', outOf(undelivered.without, events)],
      ['deliveries due, or parked', outOf(undelivered.due + undelivered.parked, events)],
      ['violations', outOf(report.violations, report.checkouts)],
      ['seconds', Math.round(report.seconds)],
    ],
    report.wrong,
  )
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      events: { type: 'string' },
      restarts: { type: 'string' },
      seed: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const events = wholeNumber('events', values.events, 10_000, 50_000)
  const restarts = wholeNumber('restarts', values.restarts, 2, 20)
  const seed = wholeNumber('seed', values.seed, 1, 2 ** 31)
  if (!hasRedisServer()) throw new UsageError('There is no redis-server here: install it (Debian: redis-server).')
  const progress = createProgress()
  const report = await withDirectory(directory =>
    withPostgres(values.url ?? null, databaseUrl =>
      proveBroker({
        databaseUrl,
        directory,
        events,
        restarts,
        seed,
        isBuilt: true,
        onProgress: (published, open) => progress.tell(`${published} events, ${open} to be delivered`),
      }),
    ),
  )
  progress.end()
  return {
    text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
    holds: report.wrong.length === 0,
  }
})
