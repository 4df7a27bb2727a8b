/** A process of the sale's shop, seen from the sale: started, called, and killed with SIGKILL. */
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CallName, FromWorker, ShopCalls, ToWorker, WorkerSettings } from './protocol.ts'

/** No answer came, and none will: its engine or process died, or took too long. The call may have had its effect. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The shop said no to a call. `again`: the same call may succeed in a moment. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string
  readonly again: boolean
  constructor(code: string, again: boolean) {
    super(code)
    this.code = code
    this.again = again
  }
}

export type Given<Name extends CallName> = Parameters<ShopCalls[Name]>
export type Answer<Name extends CallName> = Awaited<ReturnType<ShopCalls[Name]>>

export interface ShopProcess {
  readonly pid: number
  call<Name extends CallName>(
    engine: number,
    name: Name,
    given: Given<Name>,
    options: { timeoutMs: number },
  ): Promise<Answer<Name>>
  /** Calls of buyers that wait for this engine's answer. */
  waitingAt(engine: number): number
  /** The engine dies alone. */
  abandon(engine: number): void
  /** Resolves once it is open. */
  revive(engine: number): Promise<void>
  endFaults(): void
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** Settles when it has ended, however. */
  readonly gone: Promise<unknown>
}

export interface ProcessEvents {
  /** Checkouts whose engine died in the middle of a call. */
  onOrphans(lockIds: readonly string[]): void
  onTookOver(engine: number, lockIds: readonly string[]): void
  onFault(fault: string, call: string): void
}

const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', 'ipc']

interface Waiting {
  engine: number
  /** The checkout that the call is about. */
  lockId: string | null
  resolve(value: unknown): void
  reject(error: Error): void
}

/** As this file runs: built, or as TypeScript by way of tsx. */
function launch(): ChildProcess {
  const program = fileURLToPath(new URL('./worker.ts', import.meta.url))
  return import.meta.url.endsWith('.ts')
    ? fork(program, { execArgv: ['--import', import.meta.resolve('tsx')], stdio })
    : fork(program.replace(/ts$/, 'js'), { execArgv: [], stdio })
}

/** Starts one and opens its engines. @throws what it said when it could not. */
export async function startShopProcess(settings: WorkerSettings, events: ProcessEvents): Promise<ShopProcess> {
  const child = launch()
  const gone = once(child, 'exit')
  const waiting = new Map<number, Waiting>()
  const opening = new Map<number | null, () => void>()
  let calls = 0
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2_000)
  })
  child.on('error', () => {})
  const send = (message: ToWorker): void => {
    if (child.connected) child.send(message, () => {})
  }

  function settle(id: number, how: (one: Waiting) => void): void {
    const one = waiting.get(id)
    waiting.delete(id)
    if (one !== undefined) how(one)
  }

  function giveUp(isLost: (one: Waiting) => boolean): void {
    const lost = [...waiting].filter(([, one]) => isLost(one))
    events.onOrphans(lost.flatMap(([, { lockId }]) => lockId ?? []))
    for (const [id] of lost) settle(id, one => one.reject(new NoAnswer('it died')))
  }

  const open = new Promise<void>((resolve, reject) => {
    opening.set(null, resolve)
    child.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'open':
          opening.get(message.engine)?.()
          opening.delete(message.engine)
          return
        case 'broken':
          return reject(new Error(message.reason))
        case 'answer':
          return settle(message.id, one => one.resolve(message.value))
        case 'refusal':
          return settle(message.id, one => one.reject(new Refused(message.code, message.again)))
        case 'took over':
          return events.onTookOver(message.engine, message.lockIds)
        case 'fault':
          return events.onFault(message.fault, message.call)
        default:
          return message satisfies never
      }
    })
    void gone.then(() => {
      giveUp(() => true)
      reject(new Error(`a process of the shop did not start: ${said.trim().split('\n').at(-1) ?? ''}`))
    })
  })
  send({ kind: 'open', settings })
  try {
    await open
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }

  return {
    pid: child.pid ?? 0,
    gone,
    call<Name extends CallName>(engine: number, name: Name, given: Given<Name>, { timeoutMs }: { timeoutMs: number }) {
      calls += 1
      const id = calls
      return new Promise<Answer<Name>>((resolve, reject) => {
        const late = setTimeout(() => settle(id, one => one.reject(new NoAnswer('it took too long'))), timeoutMs)
        const settled =
          <Value>(how: (value: Value) => void) =>
          (value: Value) => {
            clearTimeout(late)
            how(value)
          }
        const isOfCheckout = name === 'pay' || name === 'resume' || name === 'cancel'
        waiting.set(id, {
          engine,
          lockId: isOfCheckout ? String(given[0]) : null,
          resolve: settled(value => resolve(value as Answer<Name>)),
          reject: settled(reject),
        })
        if (child.connected) send({ kind: 'call', id, engine, name, given })
        else settle(id, one => one.reject(new NoAnswer('it is gone')))
      })
    },
    waitingAt: engine => [...waiting.values()].filter(one => one.engine === engine).length,
    abandon(engine) {
      send({ kind: 'abandon', engine })
      giveUp(one => one.engine === engine)
    },
    revive(engine) {
      const opened = new Promise<void>(resolve => opening.set(engine, resolve))
      send({ kind: 'revive', engine })
      return Promise.race([opened, gone.then(() => {})])
    },
    endFaults: () => send({ kind: 'no more faults' }),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
