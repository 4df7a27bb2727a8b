/**
 * Looks again and again, and shows each look: in place in a terminal, as one block after the other in a pipe. A database
 * that is away is said to be, and asked again. It never asks before it has its answer, nor more than half of the time.
 */

import { CheckoutError } from 'holdfast'
import { DatabaseError } from 'holdfast/database'
import type { Caller } from '../command.ts'
import { openScreen } from '../terminal/screen.ts'
import { span } from '../terminal/span.ts'
import { cell } from '../terminal/table.ts'
import { type Figures, type Frame, fittedFrame, timeOf, wholeFrame } from './frame.ts'

export interface Watch {
  caller: Caller
  read(): Promise<Figures>
  /** Aborted when the caller has seen enough. */
  ended: AbortSignal
  everyMs: number
  json: boolean
}

interface Trouble {
  /** By this process's clock, ISO 8601. */
  since: string
  message: string
}

/** An answer may take so long before it is said to be missing, milliseconds. */
const slowMs = 5_000

const forEverMs = 2 ** 31 - 1

/** Waits for `ms`, but no longer than for `work`, nor beyond the end. Leaves nothing behind. */
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

/** What passes by itself: no bug is taken for it. */
const isAway = (error: unknown): error is Error => error instanceof DatabaseError || error instanceof CheckoutError

/**
 * Shows until `ended`. Gives the exit code: 0 when the last look was healthy.
 * @throws what the first look throws, and later whatever does not pass by itself.
 */
export async function watchFigures({ caller, read, ended, everyMs, json }: Watch): Promise<number> {
  let figures: Figures | null = null
  let trouble: Trouble | null = null
  let failed: unknown = null
  let reading: Promise<void> | null = null

  function look(): Promise<void> {
    reading ??= read()
      .then(
        seen => {
          figures = seen
          trouble = null
        },
        (error: unknown) => {
          if (!isAway(error) || figures === null) failed = error
          else trouble = { since: trouble?.since ?? new Date().toISOString(), message: error.message }
        },
      )
      .finally(() => {
        reading = null
      })
    return reading
  }

  const show = display(caller, { everyMs, json })
  const stopListening = caller.terminal?.onResize(() => {
    if (figures !== null) show.again(figures, trouble)
  })
  try {
    while (!ended.aborted) {
      const askedAt = performance.now()
      const asked = new Date().toISOString()
      const patienceMs = trouble === null ? Math.max(everyMs, slowMs) : everyMs
      await wait(figures === null ? forEverMs : patienceMs, ended, look())
      if (failed !== null) throw failed
      if (ended.aborted || figures === null) break
      if (reading !== null) trouble ??= { since: asked, message: 'it has not answered yet' }
      show.next(figures, trouble)
      if (reading !== null) continue
      const tookMs = performance.now() - askedAt
      await wait(Math.max(everyMs - tookMs, Math.min(tookMs, 10 * everyMs)), ended)
    }
  } finally {
    stopListening?.()
    show.close()
  }
  const seen = figures as Figures | null
  return seen?.health.status === 'healthy' && trouble === null ? 0 : 1
}

interface Display {
  next(figures: Figures, trouble: Trouble | null): void
  /** The same, in a terminal of another size. */
  again(figures: Figures, trouble: Trouble | null): void
  close(): void
}

function sentence({ since, message }: Trouble): string {
  return `no answer for ${span(Date.now() - Date.parse(since))}: ${cell(message)}`
}

function display(caller: Caller, { everyMs, json }: { everyMs: number; json: boolean }): Display {
  const { terminal, out } = caller
  const frameOf = (figures: Figures, trouble: Trouble | null): Frame => ({
    ...figures,
    trouble: trouble === null ? null : sentence(trouble),
  })
  const plain = { again() {}, close() {} }
  if (json) {
    const line = (value: unknown) => out(`${JSON.stringify(value)}\n`)
    const next = (figures: Figures, trouble: Trouble | null) => line(trouble === null ? figures : { trouble })
    return { ...plain, next }
  }
  if (terminal === undefined) {
    const block = (lines: readonly string[]) => out(`${lines.join('\n')}\n\n`)
    const next = (figures: Figures, trouble: Trouble | null) =>
      block(
        trouble === null ? wholeFrame(caller, figures) : [`${sentence(trouble)}  ${timeOf(new Date().toISOString())}`],
      )
    return { ...plain, next }
  }
  const screen = openScreen(caller)
  let last: string[] = []
  function draw(figures: Figures, trouble: Trouble | null): void {
    const { columns, rows } = terminal?.size() ?? { columns: 80, rows: 24 }
    const foot = `every ${span(everyMs)} · Ctrl-C ends`
    // A line as wide as the terminal would lose its last cell when the rest of it is erased.
    const width = Math.max(1, columns - 1)
    const look = { colours: caller.colours, columns: width }
    last = wholeFrame(look, frameOf(figures, trouble))
    screen.draw(fittedFrame(look, { ...frameOf(figures, trouble), foot }, { columns: width, rows }))
  }
  return {
    next: draw,
    again: draw,
    close() {
      screen.close()
      // What was seen last stays in the terminal.
      if (last.length > 0) out(`${last.join('\n')}\n`)
    },
  }
}
