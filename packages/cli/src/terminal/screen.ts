/**
 * A picture in a terminal that is drawn again and again in its place: one write a frame, so nothing flickers, on the
 * alternate screen, so what stood in the terminal before stands there afterwards.
 */
import type { WriteStream } from 'node:tty'
import type { Caller, Terminal } from '../command.ts'

const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
/** Terminals that know it show the frame at once; the others ignore it. */
const begin = '\u001b[?2026h\u001b[H'
const end = '\u001b[J\u001b[?2026l'
const restOfLine = '\u001b[K'

export interface Screen {
  draw(lines: readonly string[]): void
  /** Gives the terminal back as it was. Idempotent. */
  close(): void
}

/** Takes the terminal. The last line ends without a line break, which would scroll. */
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
