/** The terminal while a sale is drawn: a screen of its own, rewritten where it changed; given back on every way out. */
import { type Line, render } from './flash-sale-canvas.ts'
import type { Size } from './flash-sale-drawing.ts'

/** Ten frames a second. */
const frameMs = 100
const enter = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J'
const leave = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const beginFrame = '\u001b[?2026h'
const endFrame = '\u001b[?2026l'

export interface Terminal {
  write(text: string): void
  size(): Size
  /** It has not taken the last frame yet. */
  isBusy(): boolean
  /** Told when its size changes; gives the way to stop. */
  onResize(changed: () => void): () => void
}

/** The terminal that this process writes to. */
export function ownTerminal(): Terminal {
  const { stdout } = process
  return {
    write: text => void stdout.write(text),
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    isBusy: () => stdout.writableNeedDrain,
    onResize(changed) {
      stdout.on('resize', changed)
      return () => void stdout.off('resize', changed)
    },
  }
}

/** Draws until it is called off. */
export function showOn(terminal: Terminal, colours: boolean, draw: (size: Size) => Line[]): () => void {
  let shown: string[] = []
  let isOver = false

  function frame(): void {
    if (isOver || terminal.isBusy()) return
    const size = terminal.size()
    const lines = draw(size).map(line => render(line, size.columns, colours))
    const rows = Math.min(size.rows, Math.max(lines.length, shown.length))
    let text = ''
    for (let row = 0; row < rows; row += 1) {
      const line = lines[row] ?? ''
      if (line !== shown[row]) text += `\u001b[${row + 1};1H${line}\u001b[K`
    }
    shown = lines
    if (text !== '') terminal.write(`${beginFrame}${text}${endFrame}`)
  }

  function restore(): void {
    if (isOver) return
    isOver = true
    terminal.write(leave)
  }

  const stopResizing = terminal.onResize(() => {
    shown = []
    if (!isOver) terminal.write('\u001b[2J')
    frame()
  })
  process.once('exit', restore)
  terminal.write(enter)
  frame()
  const timer = setInterval(frame, frameMs)
  return () => {
    clearInterval(timer)
    stopResizing()
    process.off('exit', restore)
    restore()
  }
}
