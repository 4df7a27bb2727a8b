/** Progress of a long run: on a terminal one line that is overwritten, elsewhere a line every 20 seconds. */

export interface Progress {
  /** Writes the line, unless the last one is too recent. */
  report(line: string): void
  end(): void
}

const everyMs = { terminal: 200, elsewhere: 20_000 }

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const isTerminal = stream.isTTY === true
  let reportedAt = performance.now()
  return {
    report(line) {
      const now = performance.now()
      if (now - reportedAt < (isTerminal ? everyMs.terminal : everyMs.elsewhere)) return
      reportedAt = now
      stream.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`)
    },
    end() {
      if (isTerminal) stream.write('\r\u001b[2K')
    },
  }
}
