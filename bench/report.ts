/** The report of the benchmark, for people and for programs. */
import Table from 'cli-table3'
import type { Evidence, Side } from './contestants.ts'
import type { Measured } from './load.ts'
import type { CellPlan } from './plan.ts'
import type { Demand } from './shop.ts'

export interface Cell extends CellPlan, Measured {
  demand: Demand
}

export interface Machine {
  cores: number
  /** Before the benchmark began. More than a few hundredths makes the results low and noisy. */
  coresUsedByOthers: number
  processor: string
  node: string
  postgres: string
  fsync: string
  synchronousCommit: string
}

export interface Ratio {
  demand: Demand
  name: string
  holdfast: number
  baseline: number
  /** How many times better the engine is: throughput ours ÷ theirs, latency theirs ÷ ours. */
  ratio: number
  /** The cells that were compared. */
  compared: string
}

export interface Report {
  machine: Machine
  secondsPerCell: number
  cells: Cell[]
  ratios: Ratio[]
  evidence: Record<string, Evidence>
  /** No violation on either side, and both sides left the same rows. */
  ok: boolean
}

const label = (cell: CellPlan) => `${cell.concurrency} buyers, ${cell.connections} connections`
const best = (cells: readonly Cell[]) => cells.toSorted((a, b) => b.perSecond - a.perSecond)[0]

export function ratiosOf(cells: readonly Cell[], demand: Demand): Ratio[] {
  const of = (side: Side) => cells.filter(cell => cell.demand === demand && cell.side === side)
  const theirs = best(of('baseline'))
  const ratios: Ratio[] = []
  function throughput(name: string, ours: Cell | undefined): void {
    if (ours === undefined || theirs === undefined) return
    ratios.push({
      demand,
      name,
      holdfast: ours.perSecond,
      baseline: theirs.perSecond,
      ratio: ours.perSecond / theirs.perSecond,
      compared: `${label(ours)} against ${label(theirs)}`,
    })
  }
  throughput(
    'checkouts/s at 256, against its best',
    of('holdfast').find(cell => cell.concurrency === 256),
  )
  throughput('checkouts/s at best, against its best', best(of('holdfast')))
  const [ours, alone] = [of('holdfast'), of('baseline')].map(side => side.find(cell => cell.concurrency === 1))
  if (ours !== undefined && alone !== undefined) {
    const compared = `${label(ours)} against ${label(alone)}`
    ratios.push({
      demand,
      name: 'p50 ms of a lonely buyer',
      holdfast: ours.p50Ms,
      baseline: alone.p50Ms,
      ratio: alone.p50Ms / ours.p50Ms,
      compared,
    })
  }
  return ratios
}

/**
 * Both sides in alternation, at 256 buyers and at the best concurrency of the baseline: medians, and the median ratio.
 */
export function pairedRatio(pairs: readonly [number, number][], demand: Demand): Ratio[] {
  if (pairs.length === 0) return []
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? Number.NaN
  return [
    {
      demand,
      name: `checkouts/s at 256, against its best, ${pairs.length === 1 ? 'again' : `median of ${pairs.length} pairs`}`,
      holdfast: median(pairs.map(([mine]) => mine)),
      baseline: median(pairs.map(([, theirs]) => theirs)),
      ratio: median(pairs.map(([mine, theirs]) => mine / theirs)),
      compared: 'both in alternation',
    },
  ]
}

const plain = { style: { head: [], border: [] } }
const digits = (value: number, places: number) => (Number.isFinite(value) ? value.toFixed(places) : '–')

export function describe(report: Report): string {
  const { machine } = report
  const cells = new Table({
    ...plain,
    head: ['demand', 'side', 'buyers', 'connections', 'checkouts/s', 'p50 ms', 'p99 ms', 'node cores'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
  })
  for (const cell of report.cells.toSorted(byDemandAndSide)) {
    const { demand, side, concurrency, connections } = cell
    cells.push([
      demand,
      side,
      concurrency,
      connections,
      digits(cell.perSecond, 0),
      digits(cell.p50Ms, 1),
      digits(cell.p99Ms, 1),
      digits(cell.processCores, 2),
    ])
  }
  const ratios = new Table({
    ...plain,
    head: ['demand', 'compared', 'holdfast', 'baseline', 'ratio'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
  })
  for (const { demand, name, holdfast, baseline, ratio } of report.ratios) {
    const places = name.startsWith('p50') ? 2 : 0
    ratios.push([demand, name, digits(holdfast, places), digits(baseline, places), `× ${digits(ratio, 2)}`])
  }
  return [
    `${machine.cores} cores (${machine.processor}), Node ${machine.node}, PostgreSQL ${machine.postgres}, ` +
      `fsync ${machine.fsync}, synchronous_commit ${machine.synchronousCommit}; ` +
      `${report.secondsPerCell} s per cell; other processes used ${machine.coresUsedByOthers.toFixed(1)} cores at the start`,
    cells.toString(),
    ratios.toString(),
    ...Object.entries(report.evidence).map(audited),
    '',
  ].join('\n')
}

function audited([name, { audit }]: [string, Evidence]): string {
  const broken = audit.findings.filter(finding => finding.violations > 0)
  const lines = broken.map(({ invariant, title, violations, examples }) =>
    [`  ${invariant} ${title}: ${violations}`, ...examples.map(example => `    ${example}`)].join('\n'),
  )
  return [`audit of ${name}: ${audit.violations} violations in ${audit.checkouts} checkouts`, ...lines].join('\n')
}

function byDemandAndSide(a: Cell, b: Cell): number {
  return b.demand.localeCompare(a.demand) || b.side.localeCompare(a.side) || a.concurrency - b.concurrency
}

/** Tables in which the two sides left different numbers of rows per checkout. */
export function differingRows(ours: Evidence, theirs: Evidence): string[] {
  return Object.entries(ours.rowsPerCheckout).flatMap(([table, rows]) => {
    const other = theirs.rowsPerCheckout[table] ?? 0
    return rows === other ? [] : [`${table}: ${rows} rows per checkout, the baseline ${other}`]
  })
}
