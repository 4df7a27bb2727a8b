/** `npm run prove:prometheus`: a real Prometheus scrapes a real shop; rules load, dashboard queries answer, and an alert fires. */
import { serverUrl, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { outOf, summary } from '../command/summary.ts'
import { withPostgres } from '../command/temporary.ts'
import { type PrometheusReport, provePrometheus } from './prove-prometheus.ts'

function textOf(report: PrometheusReport): string {
  const { buyers, paid, completed, rules, questions, answered, fired, seconds, wrong } = report
  return summary(
    'Prometheus scrapes a shop',
    [
      ['buyers', buyers],
      ['paid orders', paid],
      ['completed checkouts, as counted by Prometheus', completed],
      ['alert rules loaded', rules],
      ['dashboard queries with a result', outOf(answered, questions)],
      ['alerts that fired', fired.join(', ')],
      ['seconds', Math.round(seconds)],
    ],
    wrong,
  )
}

await runProof({
  command: 'npm run prove:prometheus --',
  options: { buyers: wholeNumber('N', 'buyers', { max: 10_000, fallback: 60 }), url: serverUrl },
  async run({ buyers, url }) {
    const report = await withPostgres(url, databaseUrl => provePrometheus({ databaseUrl, buyers }))
    return { report, text: textOf(report), holds: report.wrong.length === 0 }
  },
})
