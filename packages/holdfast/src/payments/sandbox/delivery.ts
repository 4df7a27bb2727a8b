/**
 * How the sandbox's answers travel: some are slow, some never arrive, and a caller may stop waiting. What has been
 * decided stays decided, whether or not its answer arrives.
 */
import type { GatewayAnswer, OperationKind } from '../gateway.ts'

/**
 * Something that goes wrong with one call, whatever its token says: the answer never comes, a 500 or no connection;
 * `before` means without effect, `after` with it.
 */
export type SandboxFault = 'timeout_before' | 'timeout_after' | 'error_before' | 'error_after' | 'unreachable'

/** Asked once for each call; null lets it pass. */
export type SandboxFaults = (call: { kind: OperationKind; idempotencyKey: string }) => SandboxFault | null

/** The caller stopped waiting, or the gateway was closed: the outcome of the call is unknown. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  constructor(cause: unknown) {
    super('The sandbox gave no answer in time.', { cause })
  }
}

/** Gives what `answer` gives, unless one of `signals` aborts first. @throws {NoAnswer} then. */
export function inTime<T>(answer: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (event: Event) => finish(() => reject(new NoAnswer((event.target as AbortSignal).reason)))
    const finish = (settle: () => void) => {
      for (const signal of signals) signal.removeEventListener('abort', stop)
      settle()
    }
    for (const signal of signals) {
      if (signal.aborted) return finish(() => reject(new NoAnswer(signal.reason)))
      signal.addEventListener('abort', stop)
    }
    answer.then(
      value => finish(() => resolve(value)),
      error => finish(() => reject(error)),
    )
  })
}

/** Never gives anything. @throws {NoAnswer} once one of `signals` aborts. */
export const noAnswer = (signals: readonly AbortSignal[]): Promise<never> =>
  inTime(new Promise<never>(() => {}), signals)

/** @throws {NoAnswer} when one of `signals` aborts before `ms` have passed. */
export async function passed(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await inTime(end, signals).finally(() => clearTimeout(timer))
}

export const unreachable: GatewayAnswer = {
  outcome: 'not_executed',
  message: 'The sandbox could not be reached.',
  retryAfterMs: 100,
}
export const busy: GatewayAnswer = {
  outcome: 'not_executed',
  message: 'The sandbox has too much to do.',
  retryAfterMs: 250,
}
