/** The report of a sale: figures as JSON, lines for people, and a list of what is wrong. */
import type { AuditReport } from 'holdfast'
import { cell, type Tone } from '../terminal/table.ts'
import type { Line } from './canvas.ts'
import { counted } from './faults.ts'
import type { SaleEnd } from './sale.ts'
import { bestSecond, type Scene, saleMs } from './scene.ts'

export interface SaleReport {
  database: Scene['kind']
  processes: number
  seed: number
  faults: boolean
  buyers: number
  units: number
  /** Buyers who got the answer "paid". `orders` counts the paid orders in the database. */
  paid: number
  orders: number
  unitsSold: number
  soldOut: number
  declined: number
  /** Cancelled, or abandoned on the bank's page. */
  undone: number
  /** Without a final answer at the end. */
  unserved: number
  doubleClicks: number
  differingAnswers: number
  answersLost: number
  kills: number
  takenOver: number
  gatewayFaults: number
  connectionsCut: number
  confirmations: number
  oversold: number
  chargedWithoutOrder: number
  checkouts: number
  checkoutsPerSecond: number
  checkoutsInBestSecond: number
  drained: boolean
  /** Unexpected refusals, by code. */
  surprises: Record<string, number>
  /** Failed checks, as texts. */
  wrong: string[]
  audit: AuditReport
}

export function reportOf(scene: Scene, { crowd, totals, isDrained }: SaleEnd): SaleReport {
  const { counts, doubleClicks, differing, lostAnswers } = crowd
  const report = {
    database: scene.kind,
    processes: scene.desks.length,
    seed: scene.seed,
    faults: scene.hasFaults,
    buyers: scene.buyers,
    units: scene.units,
    paid: counts.paid,
    orders: totals.orders,
    unitsSold: totals.unitsSold,
    soldOut: counts.sold_out,
    declined: counts.declined,
    undone: counts.undone,
    unserved: counts.unserved,
    doubleClicks,
    differingAnswers: differing,
    answersLost: lostAnswers,
    kills: scene.tally.kills,
    takenOver: scene.tally.takenOver,
    gatewayFaults: scene.tally.gatewayFaults,
    connectionsCut: scene.tally.cuts,
    confirmations: totals.confirmations,
    oversold: Math.max(0, totals.unitsSold - scene.units),
    chargedWithoutOrder: totals.chargedWithoutOrder,
    checkouts: totals.checkouts,
    checkoutsPerSecond: Math.round((crowd.ended / saleMs(scene)) * 1_000),
    checkoutsInBestSecond: bestSecond(scene),
    drained: isDrained,
    surprises: Object.fromEntries(crowd.surprises),
    audit: totals.audit,
  }
  return { ...report, wrong: wrongIn(report) }
}

function wrongIn(report: Omit<SaleReport, 'wrong'>): string[] {
  const wrong: string[] = []
  const none = (count: number, noun: string) => {
    if (count > 0) wrong.push(counted(count, noun))
  }
  none(report.oversold, 'unit oversold')
  none(report.chargedWithoutOrder, 'payment without an order')
  none(report.differingAnswers, 'double click with two different answers')
  none(report.audit.violations, 'violation')
  none(report.paid - report.orders, 'buyer with the answer "paid" and no order')
  if (!report.drained) wrong.push('not every checkout ended in time')
  return wrong
}

type Row = readonly [number, string, Tone | null]

function faultRows({ kills, takenOver, gatewayFaults, database, connectionsCut }: SaleReport): Row[] {
  const rows: Row[] = [
    [kills, `kills; ${counted(takenOver, 'checkout')} taken over`, null],
    [gatewayFaults, 'faulty gateway calls', null],
  ]
  return database === 'embedded' ? rows : [...rows, [connectionsCut, 'database connections cut', null]]
}

/** The report for people: one figure per line, then the failed checks. */
export function linesOf(report: SaleReport): Line[] {
  const { audit, units, unitsSold } = report
  const mustBeNone = (count: number): Tone => (count === 0 ? 'good' : 'bad')
  const rows: (Row | null)[] = [
    [report.buyers, `buyers (--seed ${report.seed} repeats them)`, null],
    [report.paid, `paid for ${counted(unitsSold, 'unit')} of ${units.toLocaleString('en')}`, null],
    [report.soldOut, 'refused because sold out', null],
    [report.declined, 'declined by their bank', null],
    [report.undone, 'cancelled, or abandoned at the bank', null],
    ...(report.unserved > 0 ? [[report.unserved, 'without a final answer at the end', null] as const] : []),
    null,
    ...(report.faults ? faultRows(report) : []),
    [
      report.doubleClicks,
      report.differingAnswers === 0
        ? 'double clicks, each with one answer'
        : `double clicks, ${report.differingAnswers} with two answers`,
      null,
    ],
    [
      report.checkoutsPerSecond,
      `checkouts per second, ${report.checkoutsInBestSecond.toLocaleString('en')} in the best second`,
      null,
    ],
    null,
    [report.oversold, 'oversold', mustBeNone(report.oversold)],
    [report.chargedWithoutOrder, 'charged without an order', mustBeNone(report.chargedWithoutOrder)],
    [
      audit.violations,
      `violations of ${counted(audit.findings.length, 'invariant')} in ${counted(audit.checkouts, 'checkout')}`,
      mustBeNone(audit.violations),
    ],
  ]
  const lines = rows.map((row): Line => {
    if (row === null) return []
    const [count, text, tone] = row
    const figure = count.toLocaleString('en').padStart(8)
    return [tone === null ? figure : [tone, figure], `  ${text}`]
  })
  const examples = audit.findings.flatMap(({ invariant, examples: found }) =>
    found.map((example): Line => [['bad', `  ${invariant}`], `  ${cell(example)}`]),
  )
  const verdict = report.wrong.map((sentence): Line => [['bad', `  wrong: ${sentence}`]])
  return [...lines, ...examples, ...verdict]
}
