/** `npm run prove:broker`: events of real checkouts go to a real Redis that is killed meanwhile; each arrives exactly once. */
import { serverUrl, UsageError, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { outOf, summary } from '../command/summary.ts'
import { withDirectory, withPostgres } from '../command/temporary.ts'
import { hasRedisServer } from '../processes/redis-server.ts'
import { createProgress } from '../world/progress.ts'
import { type BrokerReport, proveBroker } from './prove-broker.ts'

function textOf(report: BrokerReport): string {
  const { events, undelivered } = report
  return summary(
    `${events} events to a Redis stream, seed ${report.seed}`,
    [
      ['checkouts', report.checkouts],
      ['kills of Redis', report.restarts],
      ['deliveries that failed in the meantime', outOf(report.refused, events)],
      ['started by a killed server, repeated by another', outOf(report.takenOver, events)],
      ['  of them already in the stream', outOf(report.repeated, report.takenOver)],
      ['attempts in total', report.tries],
      ['', ''],
      ['entries in the stream', report.entries],
      ['events lost', outOf(report.lost, events)],
      ['duplicate entries of an event', outOf(report.twice, report.entries)],
      ['entries without an event', outOf(report.strange, report.entries)],
      ['checkouts with events out of order', outOf(report.disordered, report.checkouts)],
      ['events without a delivery', outOf(undelivered.without, events)],
      ['deliveries due or parked', outOf(undelivered.due + undelivered.parked, events)],
      ['violations', outOf(report.violations, report.checkouts)],
      ['seconds', Math.round(report.seconds)],
    ],
    report.wrong,
  )
}

await runProof({
  command: 'npm run prove:broker --',
  options: {
    events: wholeNumber('N', 'least number of events', { max: 50_000, fallback: 10_000 }),
    restarts: wholeNumber('N', 'kills and restarts of Redis', { max: 20, fallback: 2 }),
    seed: wholeNumber('S', 'repeat the random choices of a run', { max: 2 ** 31, fallback: 1 }),
    url: serverUrl,
  },
  async run({ events, restarts, seed, url }) {
    if (!hasRedisServer()) throw new UsageError('redis-server is not installed (Debian: redis-server)')
    const progress = createProgress()
    const report = await withDirectory(directory =>
      withPostgres(url, databaseUrl =>
        proveBroker({
          ...{ databaseUrl, directory, events, restarts, seed, isBuilt: true },
          onProgress: (published, open) => progress.report(`${published} events, ${open} to be delivered`),
        }),
      ),
    )
    progress.end()
    return { report, text: textOf(report), holds: report.wrong.length === 0 }
  },
})
