/** `npm run prove:webhooks`: Stripe's webhooks in any order, repeated, lost and forged; shop and books end as in order. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, wholeNumber, withPostgres } from '../command.ts'
import { createProgress } from '../world/progress.ts'
import { proveWebhooks, type WebhooksReport } from './prove-webhooks.ts'

const usage = `usage: npm run prove:webhooks -- [options]
  --sequences N   how many (default 1000), each of four journeys
  --seed S        the first of them (default 1)
  --url URL       a PostgreSQL server to use (superuser) instead of starting one
  --json          for programs
`

function text(report: WebhooksReport): string {
  const { sequences, seed, events, checkouts, wrong } = report
  const compared = Object.values(report.journeys).reduce((sum, count) => sum + count, 0)
  return describe(
    `${sequences} sequences of webhooks, seeds ${seed} to ${seed + sequences - 1}`,
    [
      ['different orders', report.schedules],
      ['checkouts', compared],
      ['kinds of journeys', Object.keys(report.journeys).length],
      ['webhooks that were made', events.made],
      ['lost', events.lost],
      ['delivered', events.delivered],
      ['of these once more', events.again],
      ['forged, and refused', outOf(events.forgedRefused, events.forged)],
      ['', ''],
      ['checkouts that did not end as in order', outOf(report.differing, compared)],
      ['webhooks never handled', report.unhandled],
      ['checkouts audited', checkouts],
      ['violations', outOf(report.violations, checkouts)],
      ['seconds', Math.round(report.seconds)],
    ],
    wrong,
  )
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      sequences: { type: 'string' },
      seed: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const sequences = wholeNumber('sequences', values.sequences, 1_000, 100_000)
  const seed = wholeNumber('seed', values.seed, 1, 2 ** 31)
  const progress = createProgress()
  const report = await withPostgres(values.url ?? null, databaseUrl =>
    proveWebhooks({
      databaseUrl,
      sequences,
      seed,
      onSequence: done => progress.tell(`${done} of ${sequences} sequences`),
    }),
  )
  progress.end()
  return {
    text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
    holds: report.wrong.length === 0,
  }
})
