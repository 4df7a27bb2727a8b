/** `npm run prove:race`: 200 buyers race over HTTP for 20 units at four processes, then one cart is paid ten times at once. */
import { serverUrl, UsageError, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { outOf, summary } from '../command/summary.ts'
import { withDirectory, withPostgres } from '../command/temporary.ts'
import { proveRace, type RaceReport } from './prove-race.ts'

function textOf(report: RaceReport): string {
  const { buyers, units, processes, answers, click, audit } = report
  const refused = Object.entries(answers).filter(([code]) => code !== 'paid')
  return summary(
    `${buyers} buyers, ${units} units, ${processes} processes`,
    [
      ['paid orders, as buyers were answered', outOf(answers.paid ?? 0, buyers)],
      ['paid orders, in the database', report.paidOrders],
      ...refused.map(([code, count]) => [`answered ${code}`, outOf(count, buyers)] as const),
      ['refusals that name SKU, requested, and available', outOf(report.clearRefusals, buyers)],
      ['units left', outOf(report.unitsLeft, units)],
      ['the race, ms', Math.round(report.raceMs)],
      ['', ''],
      ['one cart, paid concurrently', `${click.clicks} times`],
      ['answers that differ', outOf(click.differing, click.clicks)],
      ['orders', click.orders],
      ['authorizations in the gateway’s ledger', click.authorizations],
      ['captures in the gateway’s ledger', click.captures],
      ['these payments, ms', Math.round(click.ms)],
      ['', ''],
      ['checkouts audited', audit.checkouts],
      ['violations', outOf(audit.violations, audit.checkouts)],
      ['errors in the servers’ logs', report.serverErrors.length],
    ],
    report.wrong,
  )
}

await runProof({
  command: 'npm run prove:race --',
  options: {
    buyers: wholeNumber('N', 'buyers in the race', { max: 5_000, fallback: 200 }),
    units: wholeNumber('N', 'units to buy', { max: 5_000, fallback: 20 }),
    processes: wholeNumber('N', 'servers on the one database', { max: 16, fallback: 4 }),
    url: serverUrl,
  },
  async run({ buyers, units, processes, url }) {
    if (units >= buyers) throw new UsageError('--units must be less than --buyers, or there is no race')
    const report = await withDirectory(directory =>
      withPostgres(url, databaseUrl =>
        proveRace({ databaseUrl, directory, processes, buyers, units, clicks: 10, isBuilt: true }),
      ),
    )
    return { report, text: textOf(report), holds: report.wrong.length === 0 }
  },
})
