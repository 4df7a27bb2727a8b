/** A log in daily files, the last fourteen kept: `checkout-2026-11-22.log` in a directory, days in UTC. */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface DailyFiles {
  write(line: string): void
  close(): void
}

/** @param today gives the day, default by this process's clock. */
export function dailyFiles(
  directory: string,
  name: string,
  options: { keep?: number; today?: () => string } = {},
): DailyFiles {
  const { keep = 14, today = () => new Date().toISOString().slice(0, 10) } = options
  const isOurs = (entry: string) =>
    entry.startsWith(`${name}-`) && /^\d{4}-\d\d-\d\d\.log$/.test(entry.slice(name.length + 1))
  let day = ''
  let file: number | null = null

  function begin(now: string): number {
    if (file !== null) closeSync(file)
    mkdirSync(directory, { recursive: true })
    file = openSync(join(directory, `${name}-${now}.log`), 'a', 0o600)
    day = now
    const days = readdirSync(directory).filter(isOurs).sort()
    for (const old of days.slice(0, -keep)) rmSync(join(directory, old), { force: true })
    return file
  }

  return {
    write(line) {
      const now = today()
      writeSync(file === null || now !== day ? begin(now) : file, line)
    },
    close() {
      if (file !== null) closeSync(file)
      file = null
    },
  }
}
