/** The picture of a sale: stock per unit, buyers per state, throughput with faults, and the latest events. */
import type { Tone } from '../terminal/table.ts'
import type { BuyerState } from './buyers.ts'
import { bar, curve, type Line, type Piece, spread, widthOf } from './canvas.ts'
import { counted } from './faults.ts'
import { bestSecond, type EventKind, endsInSecondBefore, type Scene, tenthMs } from './scene.ts'

export interface Size {
  columns: number
  rows: number
}

/** Maximum width, so lines stay readable. */
const columnsMax = 116
const marginColumns = 2
const labelColumns = 13
const cellRowsMax = 4
const curveRowsMax = 4
/** With at least this many rows the picture has extra space. */
const roomyRows = 34

const number = (value: number) => value.toLocaleString('en')

/** A picture of at most `size`; the least important sections are omitted if there is no room. */
export function drawSale(scene: Scene, size: Size): Line[] {
  const width = widthOn(size)
  const isRoomy = size.rows >= roomyRows
  const sections = [
    head(scene, width),
    stock(scene, width, isRoomy),
    funnel(scene, width),
    pace(scene, width, isRoomy ? curveRowsMax : size.rows >= 23 ? 2 : 1),
  ]
  const lines: Line[] = []
  for (const section of sections) {
    if (lines.length + section.length + 1 > size.rows) break
    lines.push([], ...section)
  }
  const room = size.rows - lines.length - (isRoomy ? 3 : 2)
  if (room >= 1) lines.push([], ...news(scene, room), ...padding(room - scene.events.length))
  if (size.rows - lines.length >= 1 && room >= 0) lines.push(...padding(isRoomy ? 1 : 0), [['quiet', honesty(scene)]])
  return lines.slice(0, size.rows).map(indented)
}

/** The final picture: the stock, and the throughput if there is room. */
export function drawEnd(scene: Scene, size: Size): Line[] {
  const width = widthOn(size)
  const isRoomy = size.rows >= roomyRows
  const more = isRoomy ? [[], ...pace(scene, width, 2)] : []
  return [...head(scene, width), [], ...stock(scene, width, isRoomy), ...more].map(indented)
}

const widthOn = ({ columns }: Size): number => Math.max(10, Math.min(columns - 2 * marginColumns, columnsMax))
const indented = (line: Line): Line => (line.length === 0 ? line : [' '.repeat(marginColumns), ...line])

const padding = (rows: number): Line[] => Array.from({ length: Math.max(rows, 0) }, () => [])

const steps: Readonly<Record<Scene['step'], string>> = {
  opening: 'creating a database',
  sale: 'open',
  draining: 'draining',
  auditing: 'auditing',
  over: 'finished',
}

function head(scene: Scene, width: number): Line[] {
  const { kind, desks, elapsedMs } = scene
  const seconds = (elapsedMs / 1_000).toFixed(1)
  const where = kind === 'postgres' ? 'PostgreSQL' : 'an embedded database'
  const what = `${counted(scene.buyers, 'buyer')} want ${counted(scene.units, 'unit')}, on ${where}`
  const signs = desks.flatMap((desk): Piece[] => {
    const sign: Piece =
      desk.condition === 'open' ? ['good', '●'] : desk.condition === 'dead' ? ['bad', '✕'] : ['warning', '○']
    return [' ', sign, ['quiet', String(desk.number)]]
  })
  const name = kind === 'postgres' ? 'processes' : 'engines'
  return [
    spread(
      [['strong', 'holdfast flash sale']],
      [['quiet', `${steps[scene.step]}  `], `${seconds.padStart(5)} s`],
      width,
    ),
    spread([['quiet', what]], desks.length === 0 || scene.step === 'over' ? [] : [['quiet', name], ...signs], width),
  ]
}

const signs = {
  sold: ['good', '■'],
  held: ['warning', '▣'],
  free: ['quiet', '□'],
} as const satisfies Record<string, readonly [Tone, string]>

/** One cell per unit, in rows of equal length. If there are too many units, a cell stands for several. */
function stock(scene: Scene, width: number, isRoomy: boolean): Line[] {
  const { units } = scene
  const { sold, held, free } = scene.stock
  const aRowMax = Math.floor((width + 1) / 2)
  const unitsACell = Math.ceil(units / (aRowMax * cellRowsMax))
  const cells = Math.ceil(units / unitsACell)
  const aRow = Math.ceil(cells / Math.ceil(cells / aRowMax))
  const cellOf = (at: number) => {
    const unit = at * unitsACell
    return unit < sold ? signs.sold : unit < sold + held ? signs.held : signs.free
  }
  const rows = Array.from({ length: Math.ceil(cells / aRow) }, (_, row) => {
    const pieces: Piece[] = []
    for (let at = row * aRow; at < Math.min((row + 1) * aRow, cells); at += 1) {
      const [tone, sign] = cellOf(at)
      pieces.push([tone, at % aRow === 0 ? sign : ` ${sign}`])
    }
    return pieces
  })
  const legend: Line = [
    signs.sold,
    ` ${number(sold)} sold   `,
    signs.held,
    ` ${number(held)} held   `,
    signs.free,
    ` ${number(free)} free`,
    ...(unitsACell === 1 ? [] : [['quiet', `   a square is ${number(unitsACell)} units`] as const]),
  ]
  return isRoomy ? [...rows, [], legend] : [...rows, legend]
}

const places: readonly (readonly [BuyerState, string, Tone | null])[] = [
  ['waiting', 'arriving', 'quiet'],
  ['paying', 'paying', 'warning'],
  ['paid', 'paid', 'good'],
  ['sold_out', 'sold out', 'quiet'],
  ['declined', 'declined', 'quiet'],
  ['undone', 'abandoned', 'quiet'],
]

function funnel({ counts, buyers }: Scene, width: number): Line[] {
  const barColumns = width - labelColumns - 8
  return places.map(([state, name, tone]): Line => {
    const count = state === 'undone' ? counts.undone + counts.unserved : counts[state]
    const drawn = bar(count / buyers, barColumns)
    return [
      count === 0 ? ['quiet', name.padEnd(labelColumns)] : name.padEnd(labelColumns),
      count === 0 ? ['quiet', '0'.padStart(6)] : number(count).padStart(6),
      '  ',
      tone === null ? drawn : [tone, drawn],
    ]
  })
}

/** Ended checkouts per second over the duration of the sale, with a row that marks kills and other faults. */
function pace(scene: Scene, width: number, rows: number): Line[] {
  const columns = width - labelColumns
  const spanMs = Math.max(scene.seconds * 1_000, scene.elapsedMs)
  const msAColumn = spanMs / columns
  const values = Array.from({ length: columns }, (_, at): number | null => {
    const from = Math.floor((at * msAColumn) / tenthMs)
    const to = Math.max(from + 1, Math.floor(((at + 1) * msAColumn) / tenthMs))
    if (scene.step === 'opening' || at * msAColumn > scene.elapsedMs) return null
    let sum = 0
    for (let tenth = from; tenth < to; tenth += 1) sum += scene.ends[tenth] ?? 0
    return (sum * 1_000) / ((to - from) * tenthMs)
  })
  const highest = Math.max(...values.map(value => value ?? 0))
  const now = endsInSecondBefore(scene, Math.floor(scene.elapsedMs / tenthMs))
  const best = bestSecond(scene)
  const figure = scene.step === 'sale' ? number(now) : best === 0 ? '' : `best ${number(best)}`
  const labels: Piece[] = [
    ...padding(rows - 2).map((): Piece => ''),
    ...(rows > 1 ? ['per second'] : []),
    rows > 1 ? ['quiet', figure] : figure,
    ['quiet', 'faults'],
  ]
  const drawn: Line[] = [...curve(values, rows, highest).map((line): Line => [line]), marks(scene, columns, msAColumn)]
  return drawn.map((line, row): Line => [...padded(labels[row] ?? '', labelColumns), ...line])
}

function padded(piece: Piece, columns: number): Piece[] {
  return [piece, ' '.repeat(Math.max(0, columns - widthOf([piece])))]
}

function marks(scene: Scene, columns: number, msAColumn: number): Piece[] {
  const kinds = Array.from({ length: columns }, (): EventKind | null => null)
  for (const { atMs, kind } of scene.marks) {
    const column = Math.min(columns - 1, Math.floor(atMs / msAColumn))
    if (kinds[column] !== 'dead') kinds[column] = kind
  }
  return kinds.map((kind): Piece => (kind === null ? ' ' : kind === 'dead' ? ['bad', '✕'] : ['warning', '·']))
}

const eventSigns: Readonly<Record<EventKind, readonly [Tone, string]>> = {
  dead: ['bad', '✕'],
  harm: ['warning', '·'],
  mended: ['good', '↺'],
  step: ['strong', '—'],
}

function news(scene: Scene, rows: number): Line[] {
  return scene.events.slice(-rows).map(({ atMs, kind, text }): Line => {
    const time = `${(atMs / 1_000).toFixed(1)} s`.padStart(7)
    return [['quiet', time], '  ', eventSigns[kind], '  ', kind === 'harm' ? ['quiet', text] : text]
  })
}

/** One line that says what is simulated and what is real. */
export function honesty({ kind, hasFaults }: Pick<Scene, 'kind' | 'hasFaults'>): string {
  const database = kind === 'postgres' ? 'PostgreSQL' : 'database'
  return `simulated: buyers, bank · real: ${database}, locks, stock, ledger${hasFaults ? ', SIGKILL' : ''}`
}
