/**
 * A terminal picture that is redrawn in place. One write per frame prevents flicker; the alternate screen preserves the
 * terminal's earlier content.
 */
import type { WriteStream } from 'node:tty'
import type { Caller, Terminal } from '../command.ts'

const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
/** Begins a synchronized update. Terminals that do not support it ignore it. */
const begin = '\u001b[?2026h\u001b[H'
const end = '\u001b[J\u001b[?2026l'
const restOfLine = '\u001b[K'

export interface Screen {
  draw(lines: readonly string[]): void
  /** Restores the terminal. Idempotent. */
  close(): void
}

/** The first `draw` switches to the alternate screen. The last line has no line break, because that would scroll. */
export function openScreen({ out }: Pick<Caller, 'out'>): Screen {
  let isOpen = false
  return {
    draw(lines) {
      const start = isOpen ? begin : enter + begin
      isOpen = true
      out(`${start}${lines.map(line => line + restOfLine).join('\r\n')}${end}`)
    },
    close() {
      if (isOpen) out(leave)
      isOpen = false
    },
  }
}

export function terminalOf(stream: WriteStream): Terminal {
  return {
    size: () => ({ columns: stream.columns, rows: stream.rows }),
    onResize(run) {
      stream.on('resize', run)
      return () => void stream.off('resize', run)
    },
  }
}
