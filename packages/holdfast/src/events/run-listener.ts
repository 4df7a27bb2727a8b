/** One try of one listener: within its time, interruptible, and whatever it does stays with it. */
import type { CheckoutEvent } from '../domain/events.ts'
import type { RegisteredListener } from './listeners.ts'

export interface Run {
  /** Settles when the listener does, or when its time is up; never later. */
  done: Promise<void>
  /** Ends it now, as failed with `reason`. */
  interrupt(reason: Error): void
}

/** A listener that goes on after its signal was aborted is no longer waited for; what it does then is not recorded. */
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
