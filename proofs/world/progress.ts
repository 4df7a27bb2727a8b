/** Progress of something that takes long: a line that is written over on a terminal, one now and then elsewhere. */

export interface Progress {
  /** Says how far it is; drops what comes too soon after the last. */
  tell(line: string): void
  end(): void
}

const everyMs = { terminal: 200, elsewhere: 20_000 }

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const isTerminal = stream.isTTY === true
  let toldAt = performance.now()
  return {
    tell(line) {
      const now = performance.now()
      if (now - toldAt < (isTerminal ? everyMs.terminal : everyMs.elsewhere)) return
      toldAt = now
      stream.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`)
    },
    end() {
      if (isTerminal) stream.write('\r\u001b[2K')
    },
  }
}
