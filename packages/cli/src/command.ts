/** What every command receives, and the parsers of its arguments. */
import { userInfo } from 'node:os'
import { InvalidArgumentError } from 'commander'
import { type CheckoutConfig, type CheckoutEngine, CheckoutError } from 'holdfast'
import type { Database } from 'holdfast/database'
import { validate as isUuid } from 'uuid'

/** Who runs a command and reads its output: a terminal, a pipe, or another process that forwarded the command. */
export interface Caller {
  /** Standard output: the result only. */
  out(text: string): void
  /** Standard error: progress and errors. */
  err(text: string): void
  colours: boolean
  /** True if output goes to a terminal, where progress may rewrite its line. */
  isTty: boolean
  /** Base of relative paths. */
  directory: string
  /** Width of the terminal in cells. */
  columns?: number | undefined
  /** The terminal of standard output, if it can be drawn on. Absent for forwarded commands. */
  terminal?: Terminal | undefined
  /** Aborted when the reader of the output has closed it. */
  gone?: AbortSignal | undefined
}

export interface Terminal {
  size(): { columns: number; rows: number }
  /** Returns a function that unsubscribes. */
  onResize(run: () => void): () => void
}

export interface CommandContext extends Caller {
  engine: CheckoutEngine
  database: Database
  config: CheckoutConfig
  /** Names of the migrations that were applied to open the database. */
  migrated: readonly string[]
}

/** Returns the exit code: 0 all is well, 1 a check failed. */
export type Work = (context: CommandContext) => Promise<number>

export interface ServeOptions {
  port?: number
  host?: string
  /** Add the demo catalog if the store has no products. */
  demo?: boolean
}

export interface WorkOptions {
  port?: number
  host?: string
}

/** Where commands run: in this process, or in the server that received them from another process. */
export interface CommandHost {
  caller: Caller
  /** The source of all settings. */
  environment: Readonly<Record<string, string | undefined>>
  /** Opens the store and runs `work` on it. `migrate`: first apply pending migrations to a PostgreSQL database (default: refuse). */
  run(work: Work, options?: { migrate?: boolean }): Promise<number>
  /**
   * Gives `show` a function that reads the store, until the command is stopped. A watching process never locks the
   * embedded database: it forwards `args` to the process that holds it, which prints the reading as JSON.
   */
  watch<Reading>(
    what: { read(context: CommandContext): Promise<Reading>; args: readonly string[] },
    show: (read: () => Promise<Reading>, ended: AbortSignal) => Promise<number>,
  ): Promise<number>
  serve(options: ServeOptions): Promise<number>
  work(options: WorkOptions): Promise<number>
}

function uuidOf(what: string): (text: string) => string {
  return text => {
    if (!isUuid(text)) throw new InvalidArgumentError(`Expected ${what} (a UUID).`)
    return text.toLowerCase()
  }
}

export const checkoutId = uuidOf('a checkout lock ID')
export const eventId = uuidOf('an event ID')

export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

/** @throws {CheckoutError} if there is no checkout with this ID. */
export async function requireCheckout({ engine }: CommandContext, id: string): Promise<void> {
  if ((await engine.getCheckoutStatus(id)) === null) {
    throw new CheckoutError('checkout_not_found', `there is no checkout ${id}`)
  }
}

/** The default actor in the record of operator actions. */
export function systemUser(): string {
  try {
    return `command line (${userInfo().username})`
  } catch {
    return 'command line'
  }
}

/** Prints one JSON document on standard output. */
export function writeJson(caller: Caller, value: unknown): void {
  caller.out(`${JSON.stringify(value, null, 2)}\n`)
}
