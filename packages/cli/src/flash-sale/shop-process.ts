/** A child process of the sale's shop: starts it, calls it, and kills it with SIGKILL. */
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CallName, FromWorker, ShopCalls, ToWorker, WorkerSettings } from './protocol.ts'

/** The call got no answer: its engine or process died, or the timeout passed. The call may have had its effect. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The shop refused a call. `again`: the same call may succeed later. */
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

export type CallArguments<Name extends CallName> = Parameters<ShopCalls[Name]>
export type CallResult<Name extends CallName> = Awaited<ReturnType<ShopCalls[Name]>>

export interface ShopProcess {
  readonly pid: number
  call<Name extends CallName>(
    engine: number,
    name: Name,
    given: CallArguments<Name>,
    options: { timeoutMs: number },
  ): Promise<CallResult<Name>>
  /** Number of calls that are waiting for this engine. */
  waitingAt(engine: number): number
  /** Abandons one engine; the process continues. */
  abandon(engine: number): void
  /** Resolves when the engine is open. */
  revive(engine: number): Promise<void>
  endFaults(): void
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>
  /** Settles when the process has ended. */
  readonly gone: Promise<unknown>
}

export interface ProcessEvents {
  /** Checkouts whose engine died during a call. */
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

/** Starts the worker as this file runs: as built JavaScript, or as TypeScript with tsx. */
function launch(): ChildProcess {
  const program = fileURLToPath(new URL('./shop-process-main.ts', import.meta.url))
  return import.meta.url.endsWith('.ts')
    ? fork(program, { execArgv: ['--import', import.meta.resolve('tsx')], stdio })
    : fork(program.replace(/ts$/, 'js'), { execArgv: [], stdio })
}

/** Starts a process and opens its engines. @throws {Error} with its last output if it does not start. */
export async function startShopProcess(settings: WorkerSettings, events: ProcessEvents): Promise<ShopProcess> {
  const child = launch()
  const gone = once(child, 'exit')
  const waiting = new Map<number, Waiting>()
  const opening = new Map<number | null, () => void>()
  let calls = 0
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk}`.slice(-2_000)
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

  function rejectCalls(isLost: (one: Waiting) => boolean): void {
    const lost = [...waiting].filter(([, one]) => isLost(one))
    events.onOrphans(lost.flatMap(([, { lockId }]) => lockId ?? []))
    for (const [id] of lost) settle(id, one => one.reject(new NoAnswer('the engine died')))
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
      rejectCalls(() => true)
      reject(new Error(`a process of the sale did not start: ${stderr.trim().split('\n').at(-1) ?? ''}`))
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
    call<Name extends CallName>(
      engine: number,
      name: Name,
      given: CallArguments<Name>,
      { timeoutMs }: { timeoutMs: number },
    ) {
      calls += 1
      const id = calls
      return new Promise<CallResult<Name>>((resolve, reject) => {
        const late = setTimeout(() => settle(id, one => one.reject(new NoAnswer('the call timed out'))), timeoutMs)
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
          resolve: settled(value => resolve(value as CallResult<Name>)),
          reject: settled(reject),
        })
        if (child.connected) send({ kind: 'call', id, engine, name, given })
        else settle(id, one => one.reject(new NoAnswer('the process has ended')))
      })
    },
    waitingAt: engine => [...waiting.values()].filter(one => one.engine === engine).length,
    abandon(engine) {
      send({ kind: 'abandon', engine })
      rejectCalls(one => one.engine === engine)
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
