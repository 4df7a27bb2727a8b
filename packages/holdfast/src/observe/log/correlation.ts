/**
 * The requests that are processing a checkout or a cart, so that log lines can name them although checkouts of many
 * requests are processed in batches. An entry lives as long as the call that made it, which bounds their number.
 */

/** The ID of a checkout or a cart, and the ID of the request about it, if there is one. */
export type RequestOn = readonly [id: string, requestId?: string | undefined]

export interface Correlation {
  /** Runs `work` on behalf of a request. Without a request ID, just runs it. */
  during<Result>(request: RequestOn, work: () => Promise<Result>): Promise<Result>
  /** The request that is processing `id`; the latest if there are several. */
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
        const current = requests.get(id) ?? []
        current.splice(current.indexOf(requestId), 1)
        if (current.length === 0) requests.delete(id)
      }
    },
  }
}
