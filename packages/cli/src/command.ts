/** What every command is given, and how its arguments are read. */
import { userInfo } from 'node:os'
import { InvalidArgumentError } from 'commander'
import type { CheckoutConfig, CheckoutEngine } from 'holdfast'
import type { Database } from 'holdfast/database'

/** Whoever called the command: a terminal, a pipe, or another process that asked this one. */
export interface Caller {
  /** Standard output: what was asked for, and nothing else. */
  out(text: string): void
  /** Standard error: progress and complaints. */
  err(text: string): void
  colours: boolean
  /** Somebody watches: progress may rewrite its line. */
  isTty: boolean
  /** What relative paths are relative to. */
  directory: string
  /** Cells of a line, where somebody watches. */
  columns?: number | undefined
  /** The terminal that standard output is, where it can be drawn on. Not there for whoever asks another process. */
  terminal?: Terminal | undefined
  /** Aborted once nobody reads any more what is written. */
  gone?: AbortSignal | undefined
}

export interface Terminal {
  size(): { columns: number; rows: number }
  /** Gives the way to stop. */
  onResize(run: () => void): () => void
}

export interface CommandContext extends Caller {
  engine: CheckoutEngine
  database: Database
  config: CheckoutConfig
  /** Names of the migrations that were applied to open the database. */
  migrated: readonly string[]
}

/** Gives the exit code: 0 all is well, 1 what was checked is not. */
export type Work = (context: CommandContext) => Promise<number>

export interface ServeOptions {
  port?: number
  host?: string
  /** Seed the demonstration store when there is no product yet. */
  demo?: boolean
}

export interface WorkOptions {
  port?: number
  host?: string
}

/** Where commands run: in this process, or in the server that was asked by another. */
export interface CommandHost {
  caller: Caller
  /** What settings are read from. */
  environment: Readonly<Record<string, string | undefined>>
  /** Opens the store and runs `work` on it. `migrate`: bring a PostgreSQL database up to date first (default: refuse). */
  run(work: Work, options?: { migrate?: boolean }): Promise<number>
  /**
   * Opens the store to be read again and again, and gives `show` the way to read, until it is asked to end. This process
   * never takes the embedded database for it: each time it asks the one that holds it, by `args`, which print what
   * `read` gives as JSON.
   */
  watch<Reading>(
    what: { read(context: CommandContext): Promise<Reading>; args: readonly string[] },
    show: (read: () => Promise<Reading>, ended: AbortSignal) => Promise<number>,
  ): Promise<number>
  serve(options: ServeOptions): Promise<number>
  work(options: WorkOptions): Promise<number>
}

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function checkoutId(text: string): string {
  if (!uuid.test(text)) throw new InvalidArgumentError('It is the id of a checkout lock, a UUID.')
  return text.toLowerCase()
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

/** Who calls, for the record of what is done by hand. */
export function systemUser(): string {
  try {
    return `command line (${userInfo().username})`
  } catch {
    return 'command line'
  }
}

/** One JSON document on standard output. */
export function writeJson(caller: Caller, value: unknown): void {
  caller.out(`${JSON.stringify(value, null, 2)}\n`)
}
