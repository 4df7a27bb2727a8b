/**
 * A crew: processes that each have a world of their own and take jobs from one list, so that a long proof uses every
 * core. What a job finds depends on the job alone, not on who does it or what was done before.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { openWorld, type World } from './world.ts'

export const handsDefault = Math.min(8, availableParallelism())

export interface CrewOptions<Job, Result> {
  /** The module that calls `serveCrew`. */
  module: URL
  adminUrl: string
  hands: number
  jobs: Iterable<Job>
  onResult(result: Result, job: Job): void
  /** Checked before each job: true ends it early. */
  isOver?(): boolean
}

/** Has all jobs done. @throws when a process of the crew breaks, with what it said. */
export async function withCrew<Job, Result>(options: CrewOptions<Job, Result>): Promise<void> {
  const jobs = options.jobs[Symbol.iterator]()
  const children: ChildProcess[] = []
  async function hand(): Promise<void> {
    const child = fork(options.module, [options.adminUrl], { serialization: 'advanced' })
    children.push(child)
    const gone = once(child, 'exit')
    for (;;) {
      const next = options.isOver?.() === true ? { done: true as const } : jobs.next()
      if (next.done === true) break
      child.send(next.value as object)
      const answer = await Promise.race([once(child, 'message'), gone.then(() => null)])
      if (answer === null) throw new Error('a process of the crew ended in the middle of a job')
      const [message] = answer as [{ result: Result } | { error: string }]
      if ('error' in message) throw new Error(message.error)
      options.onResult(message.result, next.value as Job)
    }
    child.disconnect()
    await gone
  }
  try {
    await Promise.all(Array.from({ length: options.hands }, hand))
  } finally {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  }
}

/** The other side: opens a world, does one job after the other, ends with whoever started it. */
export async function serveCrew<Job, Result>(work: (world: World, job: Job) => Promise<Result>): Promise<void> {
  const world = await openWorld(process.argv[2] ?? '')
  let last: Promise<unknown> = Promise.resolve()
  process.on('message', (job: Job) => {
    last = work(world, job).then(
      result => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? String(error.stack) : String(error) }),
    )
  })
  process.once('disconnect', () => {
    void last.then(() => world.close()).finally(() => process.exit(0))
  })
}
