/**
 * A log in daily files such as `checkout-2026-11-22.log` (days in UTC), of which the last fourteen are kept. The operating
 * system has a line when `write` returns, so a killed process loses none. Several processes append to the same file.
 * `write` never throws: it counts lines that cannot be written, and logs their number once writing succeeds again.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface DailyFiles {
  write(line: string): void
  close(): void
}

export interface DailyFilesOptions {
  /** Number of files to keep, the current one included. Default 14. */
  keep?: number
  /** The current day, such as "2026-11-22". Default: by the clock of this process. */
  today?(): string
  /** Called once when writing starts to fail. */
  onError?(error: unknown): void
}

/** Pause between checks whether the file was removed, and between attempts to write after a failure. */
const checkIntervalMs = 1_000
const datedName = /^\d{4}-\d\d-\d\d\.log$/

export function dailyFiles(directory: string, name: string, options: DailyFilesOptions = {}): DailyFiles {
  const { keep = 14, today = () => new Date().toISOString().slice(0, 10), onError } = options
  let day = ''
  let file: number | null = null
  let nextCheckAt = 0
  /** Lines lost since the last successful write. */
  let lost = 0
  /** The last line was written in part only. */
  let isPartial = false

  const pathOf = (of: string) => join(directory, `${name}-${of}.log`)

  function close(): void {
    if (file === null) return
    const closing = file
    file = null
    closeSync(closing)
  }

  function isRemoved(open: number): boolean {
    const onDisk = statSync(pathOf(day), { throwIfNoEntry: false })
    return onDisk?.ino !== fstatSync(open).ino
  }

  function removeOld(): void {
    const isDailyFile = (entry: string) => entry.startsWith(`${name}-`) && datedName.test(entry.slice(name.length + 1))
    const days = readdirSync(directory).filter(isDailyFile).sort()
    for (const old of days.slice(0, -keep)) {
      // After the clock was set back, the current file may have an old name.
      if (old !== `${name}-${day}.log`) rmSync(join(directory, old), { force: true })
    }
  }

  function openFile(now: string): number {
    close()
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (now !== day) isPartial = false
    day = now
    const opened = openSync(pathOf(now), 'a', 0o600)
    file = opened
    try {
      removeOld()
    } catch {
      // Writing today's lines matters more than deleting old files.
    }
    return opened
  }

  function current(): number {
    const now = today()
    if (file === null || now !== day) return openFile(now)
    if (performance.now() < nextCheckAt) return file
    nextCheckAt = performance.now() + checkIntervalMs
    return isRemoved(file) ? openFile(now) : file
  }

  function append(text: string): void {
    const bytes = Buffer.from(isPartial ? `\n${text}` : text)
    const written = writeSync(current(), bytes)
    isPartial = written < bytes.length && (written > 0 || isPartial)
    if (written < bytes.length) throw new Error('disk full: only a part of the line was written')
  }

  function write(line: string): void {
    if (lost > 0 && performance.now() < nextCheckAt) {
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
      if (lost === 0) onError?.(error)
      lost += 1
      nextCheckAt = performance.now() + checkIntervalMs
      try {
        close()
      } catch {
        // The next attempt opens the file again anyway.
      }
    }
  }

  return { write, close }
}
