/** Faults of the sandbox: slow answers, lost answers, and callers that stop waiting. An effect stays either way. */
import type { GatewayAnswer, OperationKind } from '../gateway.ts'

/**
 * A fault of one call, independent of its token: the answer is lost (`timeout`), a 500 (`error`), or the connection
 * fails (`unreachable`). `before` means without an effect, `after` with it.
 */
export type SandboxFault = 'timeout_before' | 'timeout_after' | 'error_before' | 'error_after' | 'unreachable'

/** Called once per gateway call. Null lets the call pass. */
export type SandboxFaults = (call: { kind: OperationKind; idempotencyKey: string }) => SandboxFault | null

/** The caller stopped waiting or the gateway was closed. The outcome of the call is unknown. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  constructor(cause: unknown) {
    super('The sandbox did not answer in time.', { cause })
  }
}

/** Settles as `answer` does, unless one of `signals` aborts first. @throws {NoAnswer} in that case. */
export function unlessAborted<T>(answer: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
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

/** Never resolves. @throws {NoAnswer} once one of `signals` aborts. */
export const noAnswer = (signals: readonly AbortSignal[]): Promise<never> =>
  unlessAborted(new Promise<never>(() => {}), signals)

/** Resolves after `ms` milliseconds. @throws {NoAnswer} if one of `signals` aborts first. */
export async function slowly(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await unlessAborted(end, signals).finally(() => clearTimeout(timer))
}

export const serverError: GatewayAnswer = { outcome: 'unknown', message: 'The sandbox answered 500.' }
export const unreachable: GatewayAnswer = {
  outcome: 'not_executed',
  message: 'The sandbox could not be reached.',
  retryAfterMs: 100,
}
export const busy: GatewayAnswer = {
  outcome: 'not_executed',
  message: 'The sandbox is overloaded.',
  retryAfterMs: 250,
}
