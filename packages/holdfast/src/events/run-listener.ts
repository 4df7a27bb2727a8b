/** One run of one listener, with a timeout, and interruptible. */
import type { CheckoutEvent } from '../domain/events.ts'
import type { RegisteredListener } from './listeners.ts'

export interface Run {
  /** Settles when the listener does, and at the latest at its timeout. */
  done: Promise<void>
  /** Aborts the run. `done` rejects with `reason`. */
  interrupt(reason: Error): void
}

/** A listener that continues after its signal was aborted is not waited for, and its result is not recorded. */
export function runListener(listener: RegisteredListener, event: CheckoutEvent, attempt: number): Run {
  const controller = new AbortController()
  let giveUp: (reason: Error) => void = () => {}
  const interrupted = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  function interrupt(reason: Error): void {
    giveUp(reason)
    controller.abort(reason)
  }
  const timer = setTimeout(() => interrupt(new Error(`no answer within ${listener.timeoutMs} ms`)), listener.timeoutMs)
  const work = Promise.resolve().then(() => listener.run(event, { signal: controller.signal, attempt }))
  const done = Promise.race([work, interrupted])
    .then(() => {})
    .finally(() => clearTimeout(timer))
  return { done, interrupt }
}
