/** The objects of one kind in order of creation, found by ID or by intent, and their pages in Stripe's shape. */
import { hash, integer, positive, type Rule, text } from '../api/parameters.ts'
import { invalid, missing } from '../api/refusal.ts'

export interface Table<T extends { id: string }> {
  get(id: string): T | undefined
  add(object: T): void
  /** Newest first. */
  all(): readonly T[]
  /** The objects of an intent, newest first. */
  of(intentId: string): readonly T[]
  page(options: { url: string; noun: string; paging: Paging; where: (object: T) => boolean; of?: string }): Page<T>
}

export interface Page<T> {
  object: 'list'
  data: T[]
  has_more: boolean
  url: string
}

export interface Paging {
  limit?: number
  starting_after?: string
  ending_before?: string
}

export const limit: Rule<number> = (value, path) => {
  const number = positive(value, path)
  if (number > 100) {
    throw invalid(`This value must be less than or equal to 100 (it currently is '${number}').`, {
      code: 'parameter_invalid_integer',
      param: path,
    })
  }
  return number
}

export const pagingRules = { limit, starting_after: text, ending_before: text }
export const createdRange = hash({ gt: integer, gte: integer, lt: integer, lte: integer })

export type CreatedRange = number | { gt?: number; gte?: number; lt?: number; lte?: number } | undefined

export function isCreatedIn(created: number, range: CreatedRange): boolean {
  if (range === undefined) return true
  if (typeof range === 'number') return created === range
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range
  return created > gt && created >= gte && created < lt && created <= lte
}

/** @param kept the number of objects that are kept; the oldest are dropped. */
export function createTable<T extends { id: string }>(
  options: { intentOf?: (object: T) => string | null; kept?: number } = {},
): Table<T> {
  const { intentOf, kept = Number.POSITIVE_INFINITY } = options
  const byId = new Map<string, T>()
  const byIntent = new Map<string, T[]>()
  /** The sequence number of the object. */
  const places = new Map<string, number>()
  let made = 0
  const newestFirst = (objects: Iterable<T>) => [...objects].reverse()

  function add(object: T): void {
    byId.set(object.id, object)
    made += 1
    places.set(object.id, made)
    const intentId = intentOf?.(object) ?? null
    if (intentId !== null) byIntent.set(intentId, [...(byIntent.get(intentId) ?? []), object])
    if (byId.size <= kept) return
    for (const [oldest] of byId) {
      byId.delete(oldest)
      places.delete(oldest)
      break
    }
  }

  const all = () => newestFirst(byId.values())
  const of = (intentId: string) => newestFirst(byIntent.get(intentId) ?? [])

  return {
    get: id => byId.get(id),
    add,
    all,
    of,
    page({ url, noun, paging, where, of: intentId }) {
      const { limit: size = 10, starting_after: after, ending_before: until } = paging
      if (after !== undefined && until !== undefined) {
        throw invalid('You cannot parameterize both starting_after and ending_before.', { param: 'starting_after' })
      }
      for (const [param, id] of Object.entries({ starting_after: after, ending_before: until })) {
        if (id !== undefined && !byId.has(id)) throw missing(noun, id, param, 400)
      }
      const found = (intentId === undefined ? all() : of(intentId)).filter(where)
      const placeOf = (id: string) => places.get(id) ?? 0
      if (until !== undefined) {
        const newer = found.filter(({ id }) => placeOf(id) > placeOf(until))
        return { object: 'list', data: newer.slice(-size), has_more: newer.length > size, url }
      }
      const older = after === undefined ? found : found.filter(({ id }) => placeOf(id) < placeOf(after))
      return { object: 'list', data: older.slice(0, size), has_more: older.length > size, url }
    },
  }
}
