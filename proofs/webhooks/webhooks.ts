/** `npm run prove:webhooks`: Stripe's webhooks in any order, repeated, lost, and forged lead to the same end as in order. */
import { serverUrl, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { outOf, summary } from '../command/summary.ts'
import { withPostgres } from '../command/temporary.ts'
import { createProgress } from '../world/progress.ts'
import { proveWebhooks, type WebhooksReport } from './prove-webhooks.ts'

function textOf(report: WebhooksReport): string {
  const { sequences, seed, events, checkouts, wrong } = report
  const compared = Object.values(report.journeys).reduce((sum, count) => sum + count, 0)
  return summary(
    `${sequences} sequences of webhooks, seeds ${seed} to ${seed + sequences - 1}`,
    [
      ['distinct orders of delivery', report.schedules],
      ['checkouts', compared],
      ['kinds of journeys', Object.keys(report.journeys).length],
      ['webhooks created', events.made],
      ['lost', events.lost],
      ['delivered', events.delivered],
      ['  of them repeated', events.again],
      ['forged and rejected', outOf(events.forgedRefused, events.forged)],
      ['', ''],
      ['checkouts that ended differently from the ordered run', outOf(report.differing, compared)],
      ['webhooks never processed', report.unhandled],
      ['checkouts audited', checkouts],
      ['violations', outOf(report.violations, checkouts)],
      ['seconds', Math.round(report.seconds)],
    ],
    wrong,
  )
}

await runProof({
  command: 'npm run prove:webhooks --',
  options: {
    sequences: wholeNumber('N', 'sequences of four journeys each', { max: 100_000, fallback: 1_000 }),
    seed: wholeNumber('S', 'first seed', { max: 2 ** 31, fallback: 1 }),
    url: serverUrl,
  },
  async run({ sequences, seed, url }) {
    const progress = createProgress()
    const report = await withPostgres(url, databaseUrl =>
      proveWebhooks({
        ...{ databaseUrl, sequences, seed },
        onSequence: done => progress.report(`${done} of ${sequences} sequences`),
      }),
    )
    progress.end()
    return { report, text: textOf(report), holds: report.wrong.length === 0 }
  },
})
