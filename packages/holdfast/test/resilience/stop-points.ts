/** Stops a process at a point of a checkout, before or after a commit or a gateway call, until the test continues it. */

import { watched } from '../../../testing/src/crash-points.ts'
import type { Database, Statement, Value } from '../../src/database/database.ts'
import type { GatewayAnswer, OperationKind, PaymentGateway } from '../../src/payments/gateway.ts'

/** `before_commit:capturing`, `after_call:void`: a commit by the state that the checkout enters, a call by its kind. */
export type Point = `${'before' | 'after'}_${'commit' | 'call'}:${string}`

/** The points of a checkout that completes. */
export const pointsOfAll: Point[] = [
  'before_commit:authorizing',
  'after_commit:authorizing',
  'before_call:authorize',
  'after_call:authorize',
  'before_commit:capturing',
  'after_commit:capturing',
  'before_call:capture',
  'after_call:capture',
  'before_commit:completed',
  'after_commit:completed',
]

/** Wraps `database` and `gateway`, so that `at` is awaited at each point. */
export function stoppingAt(
  database: Database,
  gateway: PaymentGateway,
  at: (point: Point) => Promise<void>,
): { database: Database; gateway: PaymentGateway } {
  const call =
    <Request>(kind: OperationKind, ask: (request: Request) => Promise<GatewayAnswer>) =>
    async (request: Request) => {
      await at(`before_call:${kind}`)
      const answer = await ask(request)
      await at(`after_call:${kind}`)
      return answer
    }
  return {
    database: {
      ...database,
      async transaction(work) {
        let state: string | undefined
        const note = (_: Statement, values: readonly Value[] = []) => {
          const entered = [...values.join(' ').matchAll(/"to_state":"(\w+)"/g)].at(-1)?.[1]
          state = entered ?? state
        }
        const result = await database.transaction(async tx => {
          state = undefined
          const own = await work(watched(tx, note))
          if (state !== undefined) await at(`before_commit:${state}`)
          return own
        })
        if (state !== undefined) await at(`after_commit:${state}`)
        return result
      },
    },
    gateway: {
      ...gateway,
      authorize: call('authorize', request => gateway.authorize(request)),
      capture: call('capture', request => gateway.capture(request)),
      void: call('void', request => gateway.void(request)),
      refund: call('refund', request => gateway.refund(request)),
    },
  }
}

export interface Stop {
  /** Resolves when the point is reached. */
  reached: Promise<void>
  proceed(): void
}

/** For `stoppingAt`: stops once, at the last point given to `stop`. */
export function oneStop(): { at(point: Point): Promise<void>; stop(point: Point): Stop } {
  let wanted: { point: Point; arrive(): void; go: Promise<void> } | null = null
  return {
    async at(point) {
      if (wanted?.point !== point) return
      const { arrive, go } = wanted
      wanted = null
      arrive()
      await go
    },
    stop(point) {
      let arrive = (): void => {}
      let proceed = (): void => {}
      const reached = new Promise<void>(resolve => {
        arrive = resolve
      })
      const go = new Promise<void>(resolve => {
        proceed = resolve
      })
      wanted = { point, arrive, go }
      return { reached, proceed }
    },
  }
}
