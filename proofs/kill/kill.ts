/** `npm run prove:kill`: checkouts under load while their servers are killed repeatedly, then the audit. */
import { flag, seed, serverUrl, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { outOf, summary } from '../command/summary.ts'
import { withDirectory, withPostgres } from '../command/temporary.ts'
import { type KillReport, proveKill } from './prove-kill.ts'

function textOf(report: KillReport): string {
  const { checkouts, endings, contradictions, audit } = report
  const refused = Object.values(endings.refusals).reduce((sum, count) => sum + count, 0)
  const acknowledged = endings.orders + refused
  return summary(
    `${report.database}, ${report.processes} server${report.processes === 1 ? '' : 's'}, ${report.buyers} buyers at once`,
    [
      ['kills (SIGKILL)', report.kills],
      ['checkouts started', checkouts.started],
      ['payments sent, including repetitions', report.payments],
      ['lost answers', report.lostAnswers],
      ['acknowledged to a buyer', acknowledged],
      ['  orders', endings.orders],
      ...Object.entries(endings.refusals).map(([code, count]) => [`  ${code}`, count] as const),
      ['buyers who left without an answer', endings.left],
      ['completed', checkouts.completed],
      ['failed, everything undone', checkouts.failed],
      ['started, but no payment ever arrived', checkouts.neverPaid],
      ['resumed by a later visit', checkouts.carriedOn],
      ['', ''],
      ['lost acknowledgements', outOf(contradictions.lostAcknowledgements.length, endings.orders)],
      ['refused, but sold or charged', outOf(contradictions.brokenRefusals.length, refused)],
      ['charged without a paid order', outOf(contradictions.chargedWithoutOrder.length, checkouts.started)],
      ['carts bought twice', outOf(contradictions.boughtTwice.length, checkouts.started)],
      ['violations', outOf(audit.violations, audit.checkouts)],
      ['errors in the servers’ logs', report.serverErrors.length],
      ['', ''],
      ['seconds', report.seconds.toFixed(1)],
      ['  of them to drain', report.drainSeconds.toFixed(1)],
      ['seed', report.seed],
    ],
    [
      ...report.wrong,
      ...audit.findings.flatMap(({ invariant, examples }) => examples.map(example => `${invariant}  ${example}`)),
    ],
  )
}

await runProof({
  command: 'npm run prove:kill --',
  options: {
    seconds: wholeNumber('N', 'seconds of load and kills, before recovery and audit', { max: 86_400, fallback: 60 }),
    embedded: flag('use the embedded database and one server instead of PostgreSQL and two'),
    processes: wholeNumber('N', 'servers on the one PostgreSQL database', { max: 16, fallback: 2 }),
    buyers: wholeNumber('N', 'concurrent buyers', { max: 1_000, fallback: 16 }),
    seed: seed('repeat the random choices of a run'),
    url: serverUrl,
  },
  async run({ seconds, embedded, processes, buyers, seed, url }) {
    const options = {
      ...{ buyers, seed, processes: embedded ? 1 : processes, until: { seconds } },
      // Counted from the moment a server is up: the embedded database needs a second or two to start.
      pace: { kind: 'time', meanMs: 1_000 },
      isBuilt: true,
    } as const
    const report = await withDirectory(directory =>
      embedded
        ? proveKill({ ...options, directory, databaseUrl: null })
        : withPostgres(url, databaseUrl => proveKill({ ...options, directory, databaseUrl })),
    )
    return { report, text: textOf(report), holds: report.wrong.length === 0 }
  },
})
