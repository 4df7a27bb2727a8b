/** What came of a sale: figures for programs, sentences for people, and whether anything is not as it must be. */
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
  /** Buyers who were told that they have paid, and paid orders in the books. */
  paid: number
  orders: number
  unitsSold: number
  soldOut: number
  declined: number
  /** Called off, or given up on the page of the bank. */
  undone: number
  /** No last word before the end. */
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
  /** Refusals that nobody expects, by code. */
  surprises: Record<string, number>
  /** What is not as it must be, in sentences. */
  wrong: string[]
  audit: AuditReport
}

export function reportOf(scene: Scene, { crowd, reckoning, isDrained }: SaleEnd): SaleReport {
  const { counts, doubleClicks, differing, lostAnswers } = crowd
  const report = {
    database: scene.kind,
    processes: scene.desks.length,
    seed: scene.seed,
    faults: scene.hasFaults,
    buyers: scene.buyers,
    units: scene.units,
    paid: counts.paid,
    orders: reckoning.orders,
    unitsSold: reckoning.unitsSold,
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
    confirmations: reckoning.confirmations,
    oversold: Math.max(0, reckoning.unitsSold - scene.units),
    chargedWithoutOrder: reckoning.chargedWithoutOrder,
    checkouts: reckoning.checkouts,
    checkoutsPerSecond: Math.round((crowd.ended / saleMs(scene)) * 1_000),
    checkoutsInBestSecond: bestSecond(scene),
    drained: isDrained,
    surprises: Object.fromEntries(crowd.surprises),
    audit: reckoning.audit,
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
  none(report.paid - report.orders, 'buyer told "paid" without an order')
  if (!report.drained) wrong.push('not everything came to rest in time')
  return wrong
}

type Row = readonly [number, string, Tone | null]

function faultRows({ kills, takenOver, gatewayFaults, database, connectionsCut }: SaleReport): Row[] {
  const rows: Row[] = [
    [kills, `kills; ${counted(takenOver, 'checkout')} taken over from the dead`, null],
    [gatewayFaults, 'calls to the gateway that went wrong', null],
  ]
  return database === 'embedded' ? rows : [...rows, [connectionsCut, 'database connections cut', null]]
}

/** The report for people: a figure and its meaning a line, and the verdict. */
export function linesOf(report: SaleReport): Line[] {
  const { audit, units, unitsSold } = report
  const mustBeNone = (count: number): Tone => (count === 0 ? 'good' : 'bad')
  const rows: (Row | null)[] = [
    [report.buyers, `buyers (--seed ${report.seed} brings the same ones again)`, null],
    [report.paid, `paid for ${counted(unitsSold, 'unit')} of ${units.toLocaleString('en')}`, null],
    [report.soldOut, 'refused, for it was sold out', null],
    [report.declined, 'declined by their bank', null],
    [report.undone, 'undone: called off, or given up at the bank', null],
    ...(report.unserved > 0 ? [[report.unserved, 'without a last word when the doors closed', null] as const] : []),
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
      `checkouts a second, ${report.checkoutsInBestSecond.toLocaleString('en')} in the best`,
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
