/**
 * The loop of `holdfast monitor --watch`. It redraws in place in a terminal and prints one block per reading in a pipe. If
 * the database is unreachable, it reports that and retries. At most one reading runs at a time, and the loop is idle for at
 * least half of the time.
 */
import { CheckoutError } from 'holdfast'
import { DatabaseError } from 'holdfast/database'
import type { Caller } from '../command.ts'
import { formatDuration } from '../terminal/duration.ts'
import { openScreen } from '../terminal/screen.ts'
import { cell } from '../terminal/table.ts'
import { type Figures, type Frame, fittedFrame, timeOf, wholeFrame } from './frame.ts'

export interface Watch {
  caller: Caller
  read(): Promise<Figures>
  /** Aborted to stop the loop. */
  ended: AbortSignal
  everyMs: number
  json: boolean
}

interface Outage {
  /** By this process's clock, ISO 8601. */
  since: string
  message: string
}

/** A reading is reported as missing after this time, milliseconds. */
const slowMs = 5_000

const forEverMs = 2 ** 31 - 1

/** Waits until `ms` have passed, `work` has settled, or `ended` is aborted. */
function wait(ms: number, ended: AbortSignal, work?: Promise<void>): Promise<void> {
  return new Promise(resolve => {
    function done(): void {
      clearTimeout(timer)
      ended.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    ended.addEventListener('abort', done)
    void work?.then(done)
    if (ended.aborted) done()
  })
}

/** True for temporary failures. Anything else is a bug. */
const isTemporary = (error: unknown): error is Error => error instanceof DatabaseError || error instanceof CheckoutError

/**
 * Shows readings until `ended`. Returns the exit code: 0 if the last reading was healthy.
 * @throws any error of the first reading; later only errors that are not temporary.
 */
export async function watchFigures({ caller, read, ended, everyMs, json }: Watch): Promise<number> {
  let figures: Figures | null = null
  let outage: Outage | null = null
  let failed: unknown = null
  let reading: Promise<void> | null = null

  function readOnce(): Promise<void> {
    reading ??= read()
      .then(
        seen => {
          figures = seen
          outage = null
        },
        (error: unknown) => {
          if (!isTemporary(error) || figures === null) failed = error
          else outage = { since: outage?.since ?? new Date().toISOString(), message: error.message }
        },
      )
      .finally(() => {
        reading = null
      })
    return reading
  }

  const show = display(caller, { everyMs, json })
  const stopListening = caller.terminal?.onResize(() => {
    if (figures !== null) show.again(figures, outage)
  })
  try {
    while (!ended.aborted) {
      const askedAt = performance.now()
      const asked = new Date().toISOString()
      const patienceMs = outage === null ? Math.max(everyMs, slowMs) : everyMs
      await wait(figures === null ? forEverMs : patienceMs, ended, readOnce())
      if (failed !== null) throw failed
      if (ended.aborted || figures === null) break
      if (reading !== null) outage ??= { since: asked, message: 'the database has not answered yet' }
      show.next(figures, outage)
      if (reading !== null) continue
      const tookMs = performance.now() - askedAt
      await wait(Math.max(everyMs - tookMs, Math.min(tookMs, 10 * everyMs)), ended)
    }
  } finally {
    stopListening?.()
    show.close()
  }
  const seen = figures as Figures | null
  return seen?.health.status === 'healthy' && outage === null ? 0 : 1
}

interface Display {
  next(figures: Figures, outage: Outage | null): void
  /** Redraws the same reading after the terminal was resized. */
  again(figures: Figures, outage: Outage | null): void
  close(): void
}

function sentence({ since, message }: Outage): string {
  return `no answer for ${formatDuration(Date.now() - Date.parse(since))}: ${cell(message)}`
}

function display(caller: Caller, { everyMs, json }: { everyMs: number; json: boolean }): Display {
  const { terminal, out } = caller
  const frameOf = (figures: Figures, outage: Outage | null): Frame => ({
    ...figures,
    problem: outage === null ? null : sentence(outage),
  })
  const plain = { again() {}, close() {} }
  if (json) {
    const line = (value: unknown) => out(`${JSON.stringify(value)}\n`)
    const next = (figures: Figures, outage: Outage | null) => line(outage === null ? figures : { trouble: outage })
    return { ...plain, next }
  }
  if (terminal === undefined) {
    const block = (lines: readonly string[]) => out(`${lines.join('\n')}\n\n`)
    const next = (figures: Figures, outage: Outage | null) =>
      block(
        outage === null ? wholeFrame(caller, figures) : [`${sentence(outage)}  ${timeOf(new Date().toISOString())}`],
      )
    return { ...plain, next }
  }
  const screen = openScreen(caller)
  let last: string[] = []
  function draw(figures: Figures, outage: Outage | null): void {
    const { columns, rows } = terminal?.size() ?? { columns: 80, rows: 24 }
    const foot = `every ${formatDuration(everyMs)} · Ctrl-C to stop`
    // Leave the last column free: erasing the rest of a full line would erase its last cell.
    const width = Math.max(1, columns - 1)
    const look = { colours: caller.colours, columns: width }
    last = wholeFrame(look, frameOf(figures, outage))
    screen.draw(fittedFrame(look, { ...frameOf(figures, outage), foot }, { columns: width, rows }))
  }
  return {
    next: draw,
    again: draw,
    close() {
      screen.close()
      // Leave the last reading in the terminal.
      if (last.length > 0) out(`${last.join('\n')}\n`)
    },
  }
}
