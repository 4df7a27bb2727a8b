/** `npm run prove:race`: 200 buyers race over HTTP for 20 units at four processes, then one cart is paid for ten times. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, UsageError, wholeNumber, withDirectory, withPostgres } from '../command.ts'
import { proveRace, type RaceReport } from './prove-race.ts'

const usage = `usage: npm run prove:race -- [options]
  --buyers N      who race (default 200)
  --units N       what there is to buy (default 20)
  --processes N   servers on the one database (default 4)
  --url URL       a PostgreSQL server to use (superuser) instead of starting one
  --json          for programs
`

function text(report: RaceReport): string {
  const { buyers, units, processes, answers, click, audit } = report
  const refused = Object.entries(answers).filter(([code]) => code !== 'paid')
  return describe(
    `${buyers} buyers, ${units} units, ${processes} processes`,
    [
      ['paid orders, as buyers were told', outOf(answers.paid ?? 0, buyers)],
      ['paid orders, in the database', report.paidOrders],
      ...refused.map(([code, count]) => [`answered ${code}`, outOf(count, buyers)] as const),
      ['refusals that name sku, requested, available', outOf(report.clearRefusals, buyers)],
      ['units left', outOf(report.unitsLeft, units)],
      ['the race, ms', Math.round(report.raceMs)],
      ['', ''],
      ['one cart, paid at once', `${click.clicks} times`],
      ['answers that differ', outOf(click.differing, click.clicks)],
      ['orders', click.orders],
      ['authorizations in the gateway’s ledger', click.authorizations],
      ['captures in the gateway’s ledger', click.captures],
      ['these, ms', Math.round(click.ms)],
      ['', ''],
      ['checkouts audited', audit.checkouts],
      ['violations', outOf(audit.violations, audit.checkouts)],
      ['errors that servers logged', report.serverErrors.length],
    ],
    report.wrong,
  )
}

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      buyers: { type: 'string' },
      units: { type: 'string' },
      processes: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const buyers = wholeNumber('buyers', values.buyers, 200, 5_000)
  const units = wholeNumber('units', values.units, 20, 5_000)
  if (units >= buyers) throw new UsageError('There is no race unless there are more buyers than units.')
  const processes = wholeNumber('processes', values.processes, 4, 16)
  const report = await withDirectory(directory =>
    withPostgres(values.url ?? null, databaseUrl =>
      proveRace({ databaseUrl, directory, processes, buyers, units, clicks: 10, isBuilt: true }),
    ),
  )
  return {
    text: values.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report),
    holds: report.wrong.length === 0,
  }
})
