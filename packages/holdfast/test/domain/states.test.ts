/** The table of states and transitions, and its copy in the database. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  type CheckoutState,
  edges,
  isFinal,
  passingStates,
  phaseNames,
  phaseOf,
  restingStates,
  stateName,
} from '../../src/domain/states.ts'

const migration = readFileSync(new URL('../../migrations/0002_checkout.sql', import.meta.url), 'utf8')
const allStates: CheckoutState[] = [...restingStates, ...passingStates]

/** The quoted texts between `opening` and the end of its list. */
function listAfter(opening: string): string[] {
  const start = migration.indexOf(opening)
  if (start < 0) throw new Error(`not in the migration: ${opening}`)
  const list = migration.slice(start + opening.length, migration.indexOf('))', start))
  return [...list.matchAll(/'([^']+)'/g)].map(([, text = '']) => text)
}

function everyEdge(): string[] {
  return Object.entries(edges).flatMap(([from, targets]) => targets.map(to => `${from}>${to}`))
}

test('the database allows exactly the transitions of the table', () => {
  const constraint = listAfter("constraint edge_is_legal check (coalesce(from_state, 'start') || '>' || to_state in (")
  expect(constraint.toSorted()).toEqual(everyEdge().toSorted())
  expect(new Set(constraint).size).toBe(constraint.length)
})

test('the database lets a checkout rest in exactly the resting states', () => {
  expect(listAfter('state text not null check (state in (').toSorted()).toEqual([...restingStates].toSorted())
})

test('every state is reachable from the start and reaches an end', () => {
  const reached = new Set<CheckoutState>()
  const visit = (state: CheckoutState) => {
    if (reached.has(state)) return
    reached.add(state)
    edges[state].forEach(visit)
  }
  edges.start.forEach(visit)
  expect([...reached].toSorted()).toEqual(allStates.toSorted())
  const ends = new Set<CheckoutState>(['completed', 'failed'])
  for (let round = 0; round < allStates.length; round += 1) {
    for (const state of allStates) if (edges[state].some(to => ends.has(to))) ends.add(state)
  }
  expect(ends.size).toBe(allStates.length)
})

test('only completed and failed are final, and no transition leaves them', () => {
  expect(allStates.filter(isFinal).toSorted()).toEqual(['completed', 'failed'])
  for (const state of allStates) expect(edges[state].length === 0).toBe(isFinal(state))
})

test('after the intent to capture a checkout can fail only by rolling back', () => {
  expect(allStates.filter(state => edges[state].includes('failed')).toSorted()).toEqual(
    ['locking_prices', 'pending', 'reserving', 'rolling_back', 'validating'].toSorted(),
  )
})

test('a checkout starts as pending, completes only through its phases, and never rolls back once completed', () => {
  expect(edges.start).toEqual(['pending'])
  expect(edges.capturing).toContain('committing')
  expect(edges.completed).not.toContain('rolling_back')
  expect(allStates.filter(state => edges[state].includes('completed'))).toEqual(['committing'])
})

test('state names are unique, and a checkout that succeeds passes the phases in order', () => {
  expect(new Set(allStates.map(stateName)).size).toBe(allStates.length)
  expect(stateName('reserving')).toBe('Reserving stock')
  const happy = [
    'validating',
    'reserving',
    'locking_prices',
    'authorizing',
    'creating_order',
    'capturing',
    'committing',
  ]
  expect(happy.map(state => phaseOf(state as CheckoutState))).toEqual([...phaseNames])
  expect(allStates.filter(state => phaseOf(state) === null)).toEqual(['pending', 'rolling_back', 'completed', 'failed'])
})
