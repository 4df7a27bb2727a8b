/** Tests of the simulated world, on which the crash proof and the simulation rely. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { list } from '../../crash/enumerate.ts'
import { play } from '../../crash/play.ts'
import { scenarios } from '../../crash/scenarios.ts'
import { simulate } from '../../simulation/simulate.ts'
import { openWorld, type World } from '../../world/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld(inject('postgresUrl'))
})
afterAll(() => world.close())

test('a seed determines the schedule: replayed after other seeds, it is the same', async () => {
  const first = await simulate(world, 11)
  const happened = [...world.trace]
  const second = await simulate(world, 12)
  const again = await simulate(world, 11)
  expect(world.trace).toEqual(happened)
  expect(again.schedule).toBe(first.schedule)
  expect(again.fired).toEqual(first.fired)
  expect(second.schedule).not.toBe(first.schedule)
  expect([first, second].map(({ violations, isConverged }) => ({ violations, isConverged }))).toEqual([
    { violations: [], isConverged: true },
    { violations: [], isConverged: true },
  ])
})

test('the database uses the simulated time', async () => {
  await world.begin(1)
  const text = { name: 'test_sim_now', text: 'select now() as now, clock_timestamp() as clock' }
  const before = await world.database.query<{ now: string; clock: string }>(text)
  expect(before).toEqual([{ now: before[0]?.clock, clock: before[0]?.now }])
  world.scheduler.passTo(world.scheduler.nowMs + 3_600_000)
  const after = await world.database.query<{ now: string }>(text)
  expect(Date.parse(after[0]?.now ?? '') - Date.parse(before[0]?.now ?? '')).toBe(3_600_000)
})

test('a purchase passes its crash points and survives a crash at one of them', async () => {
  const [purchase] = scenarios
  if (purchase === undefined) throw new Error('the scenario is missing')
  const { points, tally } = await list(world, purchase)
  expect(tally.findings).toEqual([])
  expect(points).toEqual(expect.arrayContaining(['after_commit:capturing', 'before_call:capture']))
  const crash = { scenario: purchase.name, deaths: [], first: 'recovery' } as const
  expect(await play(world, purchase, { ...crash, deaths: ['after_call:capture'] })).toMatchObject({
    isConverged: true,
    violations: [],
  })
})

test('an order with a total below the captured amount is found', async () => {
  const [purchase] = scenarios
  if (purchase === undefined) throw new Error('the scenario is missing')
  await play(world, purchase, { scenario: purchase.name, deaths: [], first: 'buyer' })
  expect(await world.violations({ drained: true })).toEqual([])
  await world.database.execute('update holdfast.orders set total_minor = total_minor - 1')
  expect(await world.violations({ drained: true })).toEqual([expect.stringMatching(/^A3: /)])
})

test('a crash point that was not reached is reported as a failure', async () => {
  const [purchase] = scenarios
  if (purchase === undefined) throw new Error('the scenario is missing')
  const crash = { scenario: purchase.name, deaths: ['after_call:refund' as const], first: 'buyer' as const }
  expect((await play(world, purchase, crash)).violations).toContain('harness: after_call:refund was not reached')
})
