/** `npm run prove:prometheus`: a real Prometheus reads a real shop; rules, dashboard and an alert that fires. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, wholeNumber, withPostgres } from '../command.ts'
import { type PrometheusReport, provePrometheus } from './prove-prometheus.ts'

const usage = `usage: npm run prove:prometheus -- [options]
  --buyers N      how many buy (default 60)
  --url URL       a PostgreSQL server to use (superuser) instead of starting one
  --json          for programs
`

function text(report: PrometheusReport): string {
  const { buyers, paid, completed, rules, questions, answered, fired, seconds, wrong } = report
  return describe(
    'Prometheus on a shop',
    [
      ['buyers', buyers],
      ['paid orders', paid],
      ['completed, as Prometheus counts', completed],
      ['alert rules loaded', rules],
      ['questions of the dashboard with an answer', outOf(answered, questions)],
      ['alerts that fired', fired.join(', ')],
      ['seconds', Math.round(seconds)],
    ],
    wrong,
  )
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      buyers: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const buyers = wholeNumber('buyers', values.buyers, 60, 10_000)
  const report = await withPostgres(values.url ?? null, databaseUrl => provePrometheus({ databaseUrl, buyers }))
  return {
    text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
    holds: report.wrong.length === 0,
  }
})
