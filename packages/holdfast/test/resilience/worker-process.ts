/** Starts a process of the shop (`fixtures/worker.ts`), and directs it: what it does, where it stops, whether it runs. */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { secret, type TestStore } from '../support/test-store.ts'
import { addressOf } from './line.ts'
import type { Point } from './points.ts'

export interface WorkerSettings {
  url: string
  secret: string
  /** How wrong its clock is. */
  dateShiftMs?: number
  idleTransactionMs?: number
  /**
   * Its listeners: `old` hears of starts, `both` of starts and ends, `poisoned` kills its process at an end, `noting` notes
   * both in a file.
   */
  listens?: ('old' | 'both' | 'poisoned' | 'noting')[]
  /** Where `noting` writes a line an event; with `diesAfter` such an event its process is killed, at the first try. */
  notes?: { file: string; diesAfter?: string }
}

export type ToWorker =
  | { kind: 'call'; id: number; name: string; given: readonly unknown[] }
  | { kind: 'stop at'; point: Point }
  | { kind: 'go on' }
export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; reason: string }
  | { kind: 'at'; point: Point }

/** What the tests read of an outcome. */
export interface Told {
  id: string
  status: string
  order: { id: string }
  failure: { code: string }
}

export interface Worker {
  /** A call on its engine; `deliver` runs its listeners. @throws with the code of its error. */
  call(name: string, ...given: readonly unknown[]): Promise<Told>
  /** Stops it there, once; resolves when it stands there. */
  stopAt(point: Point): Promise<void>
  goOn(): void
  /** SIGSTOP; resolves when it stands still. */
  freeze(): Promise<void>
  /** SIGCONT. */
  thaw(): void
  /** SIGKILL. */
  kill(): Promise<void>
  /** Settles when it has ended; gives the signal. */
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
  const waiting = new Map<number, { resolve(value: Told): void; reject(error: Error): void }>()
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
        return waiting.get(message.id)?.resolve(message.value as Told)
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
  const isStill = () =>
    execFileSync('ps', ['-o', 'stat=', '-p', String(child.pid)], { encoding: 'utf8' }).startsWith('T')
  return {
    ended,
    call(name, ...given) {
      calls += 1
      const id = calls
      const answer = new Promise<Told>((resolve, reject) => waiting.set(id, { resolve, reject }))
      answer.catch(() => {})
      send({ kind: 'call', id, name, given })
      return answer
    },
    stopAt(point) {
      const there = new Promise<void>(resolve => arrivals.set(point, resolve))
      send({ kind: 'stop at', point })
      return there
    },
    goOn: () => send({ kind: 'go on' }),
    async freeze() {
      child.kill('SIGSTOP')
      await expect.poll(isStill, { interval: 5, timeout: 5_000 }).toBe(true)
    },
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
