/** Search of payment intents with Stripe's delay: results are old, and new intents are missing. */

import { limit } from '../world/table.ts'
import type { World } from '../world/world.ts'
import { hash, text, texts } from './parameters.ts'
import { invalid } from './refusal.ts'

export const searchRules = hash({ query: text, limit, page: text, expand: texts }, ['query'])

interface Clause {
  field: string
  key: string | null
  value: string
}

const clausePattern = /^(-?)([a-z_]+)(?:\[(?:'([^']*)'|"([^"]*)")\])?:(?:'([^']*)'|"([^"]*)"|(\d+))$/
const fields = new Set(['amount', 'currency', 'customer', 'metadata', 'status'])

/** Clauses that must all match: `metadata['checkout_id']:'…' AND status:'succeeded'`. */
function parseQuery(query: string): Clause[] {
  return query.split(/\s+(?:AND|and)\s+/).map(part => {
    const [, not, field = '', one, other, single, double, number] = clausePattern.exec(part.trim()) ?? []
    const value = single ?? double ?? number
    const key = one ?? other ?? null
    if (value === undefined || not === '-' || !fields.has(field) || (field === 'metadata') !== (key !== null)) {
      throw invalid(`We were unable to parse your search query: ${query.slice(0, 200)}`, { param: 'query' })
    }
    return { field, key, value }
  })
}

type Facts = Readonly<Record<string, unknown>> & { metadata: Readonly<Record<string, string>> }

function holds(facts: Facts, { field, key, value }: Clause): boolean {
  const found = key === null ? facts[field] : facts.metadata[key]
  return found !== undefined && found !== null && String(found) === value
}

export function searchIntents(
  world: World,
  params: ReturnType<typeof searchRules>,
  delayMs: number,
): { object: 'search_result'; url: string; data: unknown[]; has_more: boolean; next_page: string | null } {
  const { query, limit: size = 10, page = '0' } = params
  const clauses = parseQuery(query)
  const knownUntil = world.nowMs() - delayMs
  const found: string[] = []
  for (const versions of world.history.values()) {
    const shown = versions.findLast(({ atMs }) => atMs <= knownUntil)
    if (shown !== undefined && clauses.every(clause => holds(shown.facts, clause))) found.push(shown.intent)
  }
  found.reverse()
  const from = Number(page)
  if (!Number.isSafeInteger(from)) throw invalid('Invalid page', { param: 'page' })
  const hasMore = found.length > from + size
  return {
    object: 'search_result',
    url: '/v1/payment_intents/search',
    data: found.slice(from, from + size).map(intent => JSON.parse(intent) as unknown),
    has_more: hasMore,
    next_page: hasMore ? String(from + size) : null,
  }
}
