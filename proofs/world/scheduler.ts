/**
 * The scheduler of a simulated world: whatever could happen next waits here until it is let happen, one thing at a
 * time, so that a seed is a schedule. Time stands still but for the jumps made here.
 *
 * A task is one thing that is ready: a transaction that may begin, an answer that may arrive. Between two tasks the
 * world is quiet: nothing runs and nothing is on its way to the real database.
 */

export interface Task {
  readonly label: string
  /** Whose it is, so that it dies and freezes with them; null: the world's own. */
  readonly owner: string | null
  readonly run: () => void
}

interface Timer extends Task {
  readonly at: number
  readonly order: number
}

/** Says what happens next: a ready task, or that time passes to the next timer. */
export type Policy = (ready: readonly Task[], timer: Task | null) => Task | 'time' | null

export interface Scheduler {
  readonly nowMs: number
  /** Resolves once `label` is let happen; never, when its owner dies before. */
  gate(owner: string | null, label: string): Promise<void>
  add(task: Task): void
  /** Runs after `ms` of the world's time, once it is let happen. Gives the way to call it off. */
  after(owner: string | null, ms: number, label: string, run: () => void): () => void
  /** Counts real work, so that nothing else happens before it is done. */
  busy<T>(work: () => Promise<T>): Promise<T>
  /** What is the owner's never happens any more. */
  drop(owner: string): void
  /** What is the owner's waits until `thaw`. */
  freeze(owner: string): void
  thaw(owner: string): void
  /** Waits until all is quiet. */
  quiet(): Promise<void>
  /** Lets one thing happen, as the policy says; gives its label, null when there is nothing to do. */
  step(policy: Policy): Promise<string | null>
  /** Time passes to `at`, and timers that are due by then become tasks. */
  passTo(at: number): void
  /** Forgets everything that waits. */
  clear(): void
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** @param startMs when time begins, in milliseconds since 1970. */
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

  /** The earliest timer of somebody who is not frozen. */
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

/** First come, first served; time passes when nothing else is left to do. */
export const inOrder: Policy = (ready, timer) => ready[0] ?? (timer === null ? null : 'time')
