/** The command line on a store with a checkout in each state, shared by the tests of commands. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckoutConfig } from '../../../holdfast/src/config/checkout-config.ts'
import { defaultConfig } from '../../../holdfast/src/config/config.ts'
import type { Database } from '../../../holdfast/src/database/database.ts'
import type { CheckoutEngine } from '../../../holdfast/src/engine/checkout-engine.ts'
import { type CheckoutOptions, createCheckout } from '../../../holdfast/src/engine/create-checkout.ts'
import { seedHealthyStore } from '../../../holdfast/test/observe/healthy-store.ts'
import { openTestDatabase } from '../../../holdfast/test/support/test-database.ts'
import type { CommandContext, CommandHost, Terminal } from '../../src/command.ts'
import { runProgram } from '../../src/program.ts'

export interface CallOptions {
  colours?: boolean
  isTty?: boolean
  columns?: number
  terminal?: Terminal
  migrated?: string[]
  environment?: Record<string, string>
  config?: Partial<CheckoutConfig>
  /** Stops a watching command. */
  ended?: AbortSignal
  /** Receives each piece of output. */
  onOutput?(text: string): void
}

export interface Commands {
  database: Database
  engine: CheckoutEngine
  directory: string
  /** Runs a command line on the store. */
  call(line: string[], options?: CallOptions): Promise<{ code: number; out: string; err: string; lines: string[] }>
  stop(): Promise<void>
}

export interface CommandsOptions {
  /** Fills the database. Default: a store with a checkout in each state. */
  seed?(database: Database): Promise<unknown>
  engine?(database: Database): Pick<CheckoutOptions, 'gateways' | 'config'>
}

export async function openCommands({ seed = seedHealthyStore, engine: own }: CommandsOptions = {}): Promise<Commands> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
  const { database, stop } = await openTestDatabase('postgres', { poolMax: 4 })
  await seed(database)
  const engine = await createCheckout({ database, workers: false, migrate: false, ...own?.(database) })
  return {
    database,
    engine,
    directory,
    async call(line, { config, environment = {}, migrated = [], ended, onOutput, ...terminal } = {}) {
      let out = ''
      let err = ''
      const caller = {
        out(text: string) {
          out += text
          onOutput?.(text)
        },
        err(text: string) {
          err += text
        },
        colours: false,
        isTty: false,
        directory,
        ...terminal,
      }
      const context: CommandContext = { ...caller, engine, database, config: { ...defaultConfig, ...config }, migrated }
      const host: CommandHost = {
        caller,
        environment,
        run: work => work(context),
        watch: ({ read }, show) => show(() => read(context), ended ?? AbortSignal.timeout(10_000)),
        serve: async ({ port, host: address, demo }) => {
          caller.out(`serve ${port} ${address} ${demo}`)
          return 0
        },
        work: async () => 0,
      }
      const code = await runProgram(line, host)
      return { code, out, err, lines: out.trimEnd().split('\n') }
    },
    async stop() {
      await engine.close()
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
