/**
 * A pool of worker processes: each has a world of its own and takes jobs from one list, so a long proof uses all cores.
 * The result of a job depends on the job alone, not on the worker or on earlier jobs.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { openWorld, type World } from './world.ts'

export const workersDefault = Math.min(8, availableParallelism())

export interface WorkerPoolOptions<Job, Result> {
  /** The module that calls `serveJobs`. */
  module: URL
  adminUrl: string
  workers: number
  jobs: Iterable<Job>
  onResult(result: Result, job: Job): void
  /** Called before each job; true ends the pool early. */
  isOver?(): boolean
}

/** Runs all jobs. @throws if a worker fails, with its error. */
export async function runJobs<Job, Result>(options: WorkerPoolOptions<Job, Result>): Promise<void> {
  const jobs = options.jobs[Symbol.iterator]()
  const children: ChildProcess[] = []
  async function runWorker(): Promise<void> {
    const child = fork(options.module, [options.adminUrl], { serialization: 'advanced' })
    children.push(child)
    const gone = once(child, 'exit')
    for (;;) {
      const next = options.isOver?.() === true ? { done: true as const } : jobs.next()
      if (next.done === true) break
      child.send(next.value as object)
      const answer = await Promise.race([once(child, 'message'), gone.then(() => null)])
      if (answer === null) throw new Error('a worker process exited during a job')
      const [message] = answer as [{ result: Result } | { error: string }]
      if ('error' in message) throw new Error(message.error)
      options.onResult(message.result, next.value as Job)
    }
    child.disconnect()
    await gone
  }
  try {
    await Promise.all(Array.from({ length: options.workers }, runWorker))
  } finally {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  }
}

/** The worker's side: opens a world, runs one job after another, and exits when the parent disconnects. */
export async function serveJobs<Job, Result>(work: (world: World, job: Job) => Promise<Result>): Promise<void> {
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
