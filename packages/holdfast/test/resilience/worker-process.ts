/** Starts a process with an engine (`fixtures/worker.ts`) and controls it: calls, stops, freezes, and kills it. */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { secret, type TestStore } from '../support/test-store.ts'
import { addressOf } from './proxied-engine.ts'
import type { Point } from './stop-points.ts'

export interface WorkerSettings {
  url: string
  secret: string
  /** Error of its clock, milliseconds. */
  dateShiftMs?: number
  idleTransactionMs?: number
  /**
   * Its listeners: `old` receives starts, `both` receives starts and ends, `poisoned` kills its process at an end, and
   * `noting` writes starts and ends to a file.
   */
  listeners?: ('old' | 'both' | 'poisoned' | 'noting')[]
  /** The file to which `noting` writes a line per event. After the event `diesAfter`, its first attempt kills the process. */
  notes?: { file: string; diesAfter?: string }
}

export type ToWorker =
  | { kind: 'call'; id: number; name: string; given: readonly unknown[] }
  | { kind: 'stop at'; point: Point }
  | { kind: 'continue' }
export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; reason: string }
  | { kind: 'at'; point: Point }

/** The properties of results that tests read. */
export interface WorkerAnswer {
  id: string
  status: string
  order: { id: string }
  failure: { code: string }
}

export interface Worker {
  /** Calls a method of its engine; `deliver` runs its listeners. @throws an error with the code of the engine's error. */
  call(name: string, ...given: readonly unknown[]): Promise<WorkerAnswer>
  /** Stops the process at a point, once. Resolves when the point is reached. */
  stopAt(point: Point): Promise<void>
  proceed(): void
  /** Sends SIGSTOP. Resolves when the process has stopped. */
  freeze(): Promise<void>
  /** Sends SIGCONT. */
  thaw(): void
  /** Sends SIGKILL. */
  kill(): Promise<void>
  /** Resolves with the signal when the process has ended. */
  ended: Promise<string | null>
}

const fixture = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url))

export async function startWorker(
  store: TestStore,
  more: Omit<WorkerSettings, 'url' | 'secret'> = {},
): Promise<Worker> {
  const settings: WorkerSettings = { url: await addressOf(store), secret, ...more }
  const child = fork(fixture, [JSON.stringify(settings)], { execArgv: ['--import', 'tsx'] })
  const ended = once(child, 'exit').then(([, signal]) => signal as string | null)
  const waiting = new Map<number, { resolve(value: WorkerAnswer): void; reject(error: Error): void }>()
  const arrivals = new Map<Point, () => void>()
  let calls = 0
  let isReady = (): void => {}
  const ready = new Promise<void>(resolve => {
    isReady = resolve
  })
  child.on('message', (message: FromWorker) => {
    switch (message.kind) {
      case 'ready':
        return isReady()
      case 'answer':
        return waiting.get(message.id)?.resolve(message.value as WorkerAnswer)
      case 'refusal':
        return waiting.get(message.id)?.reject(new Error(message.reason))
      case 'at':
        return arrivals.get(message.point)?.()
    }
  })
  void ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error('killed'))
  })
  await Promise.race([
    ready,
    ended.then(() => {
      throw new Error('the worker did not start')
    }),
  ])
  const send = (message: ToWorker) => void child.send(message)
  const isStopped = () =>
    execFileSync('ps', ['-o', 'stat=', '-p', String(child.pid)], { encoding: 'utf8' }).startsWith('T')
  return {
    ended,
    call(name, ...given) {
      calls += 1
      const id = calls
      const answer = new Promise<WorkerAnswer>((resolve, reject) => waiting.set(id, { resolve, reject }))
      answer.catch(() => {})
      send({ kind: 'call', id, name, given })
      return answer
    },
    stopAt(point) {
      const there = new Promise<void>(resolve => arrivals.set(point, resolve))
      send({ kind: 'stop at', point })
      return there
    },
    proceed: () => send({ kind: 'continue' }),
    async freeze() {
      child.kill('SIGSTOP')
      await expect.poll(isStopped, { interval: 5, timeout: 5_000 }).toBe(true)
    },
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
