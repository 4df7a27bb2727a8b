/**
 * Which request is at work on which checkout or cart, so that lines name it although checkouts of many requests are
 * worked on in sets. An entry lives as long as the call that made it, so there are never more than calls.
 */

/** The id of a checkout or a cart, and that of the request which is about it, if there is one. */
export type RequestOn = readonly [id: string, requestId?: string | undefined]

export interface Correlation {
  /** Runs what a request asked for. Without a request it just runs. */
  during<Result>(request: RequestOn, work: () => Promise<Result>): Promise<Result>
  /** The request at work on `id`: of several the one that came last. */
  requestOf(id: unknown): string | undefined
}

export function createCorrelation(): Correlation {
  const requests = new Map<string, string[]>()
  return {
    requestOf: id => (requests.size === 0 ? undefined : requests.get(id as string)?.at(-1)),
    async during([id, requestId], work) {
      if (requestId === undefined) return work()
      const others = requests.get(id)
      if (others === undefined) requests.set(id, [requestId])
      else others.push(requestId)
      try {
        return await work()
      } finally {
        const mine = requests.get(id) ?? []
        mine.splice(mine.indexOf(requestId), 1)
        if (mine.length === 0) requests.delete(id)
      }
    },
  }
}
