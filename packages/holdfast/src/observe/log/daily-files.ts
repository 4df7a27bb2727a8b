/**
 * A log in daily files, the last fourteen kept: `checkout-2026-11-22.log` in a directory, days in UTC. A line is with the
 * operating system when `write` returns, so a killed process loses none; several processes append to the same file.
 * `write` never throws: lines that cannot be written are counted, and the file says so once it can be written again.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface DailyFiles {
  write(line: string): void
  close(): void
}

export interface DailyFilesOptions {
  /** Files of days kept, the one being written included. Default 14. */
  keep?: number
  /** Gives the day, "2026-11-22"; default by this process's clock. */
  today?(): string
  /** Told once when lines cannot be written any more. */
  onTrouble?(error: unknown): void
}

/** How often a file that was taken away is looked for, and one that cannot be written is tried again. */
const pauseMs = 1_000
const datedName = /^\d{4}-\d\d-\d\d\.log$/

export function dailyFiles(directory: string, name: string, options: DailyFilesOptions = {}): DailyFiles {
  const { keep = 14, today = () => new Date().toISOString().slice(0, 10), onTrouble } = options
  let day = ''
  let file: number | null = null
  let lookAgainAt = 0
  /** Lines that could not be written since the last that was. */
  let lost = 0
  /** The last line stands there in part. */
  let isTorn = false

  const pathOf = (of: string) => join(directory, `${name}-${of}.log`)

  function end(): void {
    if (file === null) return
    const ended = file
    file = null
    closeSync(ended)
  }

  function isGone(open: number): boolean {
    const there = statSync(pathOf(day), { throwIfNoEntry: false })
    return there?.ino !== fstatSync(open).ino
  }

  function removeOld(): void {
    const isOurs = (entry: string) => entry.startsWith(`${name}-`) && datedName.test(entry.slice(name.length + 1))
    const days = readdirSync(directory).filter(isOurs).sort()
    for (const old of days.slice(0, -keep)) {
      // A clock that was put back writes to what is old by name.
      if (old !== `${name}-${day}.log`) rmSync(join(directory, old), { force: true })
    }
  }

  function begin(now: string): number {
    end()
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (now !== day) isTorn = false
    day = now
    const begun = openSync(pathOf(now), 'a', 0o600)
    file = begun
    try {
      removeOld()
    } catch {
      // The day that is written matters more than those that are over.
    }
    return begun
  }

  function current(): number {
    const now = today()
    if (file === null || now !== day) return begin(now)
    if (performance.now() < lookAgainAt) return file
    lookAgainAt = performance.now() + pauseMs
    return isGone(file) ? begin(now) : file
  }

  function append(text: string): void {
    const bytes = Buffer.from(isTorn ? `\n${text}` : text)
    const written = writeSync(current(), bytes)
    isTorn = written < bytes.length && (written > 0 || isTorn)
    if (written < bytes.length) throw new Error('There is no room for the whole line.')
  }

  function write(line: string): void {
    if (lost > 0 && performance.now() < lookAgainAt) {
      lost += 1
      return
    }
    try {
      if (lost > 0) {
        const time = new Date().toISOString()
        append(`${JSON.stringify({ level: 40, time, msg: '[Log] lines were lost', lost })}\n`)
        lost = 0
      }
      append(line)
    } catch (error) {
      if (lost === 0) onTrouble?.(error)
      lost += 1
      lookAgainAt = performance.now() + pauseMs
      try {
        end()
      } catch {
        // It is let go of all the same.
      }
    }
  }

  return { write, close: end }
}
