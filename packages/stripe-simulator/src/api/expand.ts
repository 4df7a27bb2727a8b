/** `expand[]`: replaces IDs in an answer by the objects. */

import type { World } from '../world/world.ts'
import { invalid } from './refusal.ts'

type Json = Record<string, unknown>

const depthMax = 4

function objectOf(world: World, field: string, id: string): object | undefined {
  switch (field) {
    case 'charge':
    case 'latest_charge':
      return world.charges.get(id)
    case 'payment_intent':
      return world.intents.get(id)?.intent
    case 'payment_method':
      return world.methods.get(id)?.method
    default:
      return undefined
  }
}

const expandable = new Set(['charge', 'latest_charge', 'payment_intent', 'payment_method'])

const refused = (path: string) => invalid(`This property cannot be expanded (${path}).`, { param: 'expand' })

function refundsOf(world: World, charge: Json): object {
  const data = world.refunds.of(String(charge.payment_intent)).filter(refund => refund.charge === charge.id)
  return {
    object: 'list',
    data: data.slice(0, 10),
    has_more: data.length > 10,
    url: `/v1/charges/${charge.id}/refunds`,
  }
}

function expandAt(world: World, at: Json, parts: readonly string[], path: string): void {
  const [field = '', ...rest] = parts
  if (at.object === 'list' || at.object === 'search_result') {
    if (field !== 'data' || !Array.isArray(at.data)) throw refused(path)
    for (const one of at.data as Json[]) expandAt(world, one, rest, path)
    return
  }
  if (field === 'refunds' && at.object === 'charge') {
    at.refunds = structuredClone(refundsOf(world, at))
    return
  }
  if (!expandable.has(field) || !(field in at)) throw refused(path)
  const value = at[field]
  if (typeof value === 'string') at[field] = structuredClone(objectOf(world, field, value) ?? value)
  const next = at[field]
  if (rest.length > 0 && typeof next === 'object' && next !== null) expandAt(world, next as Json, rest, path)
}

/** A copy of the answer with expanded objects. @throws {StripeRefusal} */
export function expanded(world: World, answer: object, paths: readonly string[]): object {
  if (paths.length === 0) return answer
  const copy = structuredClone(answer) as Json
  for (const path of paths) {
    const parts = path.split('.')
    if (parts.length > depthMax) {
      throw invalid(`You cannot expand more than ${depthMax} levels of a property. Property: ${path}`, {
        param: 'expand',
      })
    }
    expandAt(world, copy, parts, path)
  }
  return copy
}
