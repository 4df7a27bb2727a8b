/**
 * The scheduler of a simulated world. It runs one task at a time, so a seed determines the schedule, and only it moves
 * time. A task is one event that is ready: a transaction that may begin, or an answer that may arrive. Between two tasks
 * the world is quiet: nothing runs, and no statement is on its way to the real database.
 */

export interface Task {
  readonly label: string
  /** The process that the task dies and freezes with; null: the world. */
  readonly owner: string | null
  readonly run: () => void
}

interface Timer extends Task {
  readonly at: number
  readonly order: number
}

/** Chooses what happens next: a ready task, or `time` to advance to the next timer. */
export type Policy = (ready: readonly Task[], timer: Task | null) => Task | 'time' | null

export interface Scheduler {
  readonly nowMs: number
  /** Resolves when the task is chosen; never if its owner dies before. */
  gate(owner: string | null, label: string): Promise<void>
  add(task: Task): void
  /** Runs `run` after `ms` of simulated time, once it is chosen. Returns a function that cancels it. */
  after(owner: string | null, ms: number, label: string, run: () => void): () => void
  /** Runs real work; no other task starts before it is done. */
  busy<T>(work: () => Promise<T>): Promise<T>
  /** Removes the tasks and timers of the owner. */
  drop(owner: string): void
  /** Holds back the tasks and timers of the owner until `thaw`. */
  freeze(owner: string): void
  thaw(owner: string): void
  /** Waits until no real work runs. */
  quiet(): Promise<void>
  /** Runs the task that the policy chooses. Returns its label, or null if there is nothing to do. */
  step(policy: Policy): Promise<string | null>
  /** Advances time to `at`; timers that are due become tasks. */
  passTo(at: number): void
  /** Removes all tasks and timers. */
  clear(): void
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** @param startMs the start of simulated time, in milliseconds since 1970. */
export function createScheduler(startMs: number): Scheduler {
  let nowMs = startMs
  let ready: Task[] = []
  let timers: Timer[] = []
  let order = 0
  let running = 0
  let idle = (): void => {}
  const frozen = new Set<string>()

  const isFree = ({ owner }: Task) => owner === null || !frozen.has(owner)

  async function quiet(): Promise<void> {
    for (;;) {
      await turn()
      if (running === 0) return
      await new Promise<void>(resolve => {
        idle = resolve
      })
    }
  }

  function passTo(at: number): void {
    nowMs = Math.max(nowMs, at)
    const due = timers.filter(timer => timer.at <= nowMs)
    timers = timers.filter(timer => timer.at > nowMs)
    ready.push(...due)
  }

  /** The earliest timer of an owner that is not frozen. */
  function nextTimer(): Timer | null {
    let next: Timer | null = null
    for (const timer of timers) {
      if (!isFree(timer)) continue
      if (next === null || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
    }
    return next
  }

  return {
    get nowMs() {
      return nowMs
    },
    gate: (owner, label) => new Promise(run => ready.push({ owner, label, run })),
    add: task => void ready.push(task),
    after(owner, ms, label, run) {
      order += 1
      const timer: Timer = { owner, label, run, at: nowMs + ms, order }
      timers.push(timer)
      return () => {
        timers = timers.filter(other => other !== timer)
        ready = ready.filter(other => other !== timer)
      }
    },
    async busy(work) {
      running += 1
      try {
        return await work()
      } finally {
        running -= 1
        if (running === 0) idle()
      }
    },
    drop(owner) {
      ready = ready.filter(task => task.owner !== owner)
      timers = timers.filter(timer => timer.owner !== owner)
      frozen.delete(owner)
    },
    freeze: owner => void frozen.add(owner),
    thaw: owner => void frozen.delete(owner),
    quiet,
    async step(policy) {
      await quiet()
      const timer = nextTimer()
      const chosen = policy(ready.filter(isFree), timer)
      if (chosen === null) return null
      if (chosen === 'time') {
        if (timer === null) return null
        const passed = timer.at - nowMs
        passTo(timer.at)
        return `${passed} ms pass`
      }
      ready = ready.filter(task => task !== chosen)
      chosen.run()
      return `${chosen.owner ?? 'world'} ${chosen.label}`
    },
    passTo,
    clear() {
      ready = []
      timers = []
      frozen.clear()
    },
  }
}

/** First in, first out; time advances only if no task is ready. */
export const inOrder: Policy = (ready, timer) => ready[0] ?? (timer === null ? null : 'time')
