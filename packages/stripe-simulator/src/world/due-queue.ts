/** A priority queue of due jobs, as a heap. Jobs with equal times keep their order. */

interface Entry<T> {
  dueMs: number
  order: number
  value: T
}

export interface DueQueue<T> {
  add(dueMs: number, value: T): void
  /** Removes the earliest job that is due; null if there is none. */
  take(nowMs: number): { dueMs: number; value: T } | null
  /** The time of the earliest job; null if there is none. */
  nextMs(): number | null
}

export function createDueQueue<T>(): DueQueue<T> {
  const heap: Entry<T>[] = []
  let order = 0
  const before = (a: Entry<T>, b: Entry<T>) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)

  function rise(entry: Entry<T>): void {
    let at = heap.push(entry) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !before(entry, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = entry
  }

  function sink(entry: Entry<T>): void {
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (left === undefined) break
      const smaller = right !== undefined && before(right, left) ? right : left
      if (!before(smaller, entry)) break
      heap[at] = smaller
      at = 2 * at + (smaller === left ? 1 : 2)
    }
    heap[at] = entry
  }

  return {
    add(dueMs, value) {
      order += 1
      rise({ dueMs, order, value })
    },
    take(nowMs) {
      const [first] = heap
      if (first === undefined || first.dueMs > nowMs) return null
      const last = heap.pop()
      if (last !== undefined && last !== first) sink(last)
      return { dueMs: first.dueMs, value: first.value }
    },
    nextMs: () => heap[0]?.dueMs ?? null,
  }
}
