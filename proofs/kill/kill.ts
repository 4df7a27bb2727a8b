/** `npm run prove:kill`: checkouts under load while their servers are killed again and again, then the reckoning. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, wholeNumber, withDirectory, withPostgres } from '../command.ts'
import { type KillReport, proveKill } from './prove-kill.ts'

const usage = `usage: npm run prove:kill -- [options]
  --seconds N     of load and kills (default 60); recovery and audit come on top
  --embedded      the embedded database and one server, instead of PostgreSQL and two
  --processes N   servers on the one PostgreSQL database (default 2)
  --buyers N      at once (default 16)
  --seed S        repeats the random choices (default: another each time)
  --url URL       a PostgreSQL server to use (superuser) instead of starting one
  --json          for programs
`

function text(report: KillReport): string {
  const { checkouts, told, contradictions, audit } = report
  const refused = Object.values(told.refusals).reduce((sum, count) => sum + count, 0)
  const acknowledged = told.orders + refused
  return describe(
    `${report.database}, ${report.processes} server${report.processes === 1 ? '' : 's'}, ${report.buyers} buyers at once`,
    [
      ['kills (SIGKILL)', report.kills],
      ['checkouts started', checkouts.started],
      ['payments sent, repetitions included', report.payments],
      ['answers lost on the way', report.lostAnswers],
      ['acknowledged to a buyer', acknowledged],
      ['  orders', told.orders],
      ...Object.entries(told.refusals).map(([code, count]) => [`  ${code}`, count] as const),
      ['buyers who left without an answer', told.left],
      ['completed', checkouts.completed],
      ['failed, everything undone', checkouts.failed],
      ['started, but no payment ever arrived', checkouts.neverPaid],
      ['carried on by a later visit', checkouts.carriedOn],
      ['', ''],
      ['lost acknowledgements', outOf(contradictions.lostAcknowledgements.length, told.orders)],
      ['refused, but sold or charged', outOf(contradictions.brokenRefusals.length, refused)],
      ['charged without a paid order', outOf(contradictions.chargedWithoutOrder.length, checkouts.started)],
      ['carts bought twice', outOf(contradictions.boughtTwice.length, checkouts.started)],
      ['violations', outOf(audit.violations, audit.checkouts)],
      ['errors of the servers', report.serverErrors.length],
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

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      embedded: { type: 'boolean' },
      processes: { type: 'string' },
      buyers: { type: 'string' },
      seed: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const isEmbedded = values.embedded === true
  const options = {
    processes: isEmbedded ? 1 : wholeNumber('processes', values.processes, 2, 16),
    buyers: wholeNumber('buyers', values.buyers, 16, 1_000),
    until: { seconds: wholeNumber('seconds', values.seconds, 60, 86_400) },
    seed: wholeNumber('seed', values.seed, 1 + Math.floor(Math.random() * 999_999), 4_294_967_295),
    // From the moment a server is up: the embedded database takes a second or two to be back.
    pace: { kind: 'time', meanMs: 1_000 },
    isBuilt: true,
  } as const
  const report = await withDirectory(directory =>
    isEmbedded
      ? proveKill({ ...options, directory, databaseUrl: null })
      : withPostgres(values.url ?? null, databaseUrl => proveKill({ ...options, directory, databaseUrl })),
  )
  return {
    text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
    holds: report.wrong.length === 0,
  }
})
