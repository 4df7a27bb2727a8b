/** The scheduler of a simulated world: one thing at a time, and time stands still but where it is let pass. */
import { expect, test } from 'vitest'
import { createScheduler, inOrder } from '../../world/scheduler.ts'

const world = () => {
  const scheduler = createScheduler(1_000)
  const happened: string[] = []
  const note = (text: string) => () => void happened.push(text)
  const run = async (steps: number) => {
    for (let step = 0; step < steps; step += 1) await scheduler.step(inOrder)
  }
  return { scheduler, happened, note, run }
}

test('lets one thing happen at a step, first come, first served', async () => {
  const { scheduler, happened, note, run } = world()
  void scheduler.gate('a', 'first').then(note('first'))
  void scheduler.gate('b', 'second').then(note('second'))
  await run(1)
  await scheduler.quiet()
  expect(happened).toEqual(['first'])
  await run(1)
  await scheduler.quiet()
  expect(happened).toEqual(['first', 'second'])
})

test('lets time pass only when nothing else is left, to the next timer and no further', async () => {
  const { scheduler, happened, note, run } = world()
  scheduler.after(null, 500, 'late', note('late'))
  scheduler.after(null, 200, 'early', note('early'))
  scheduler.add({ owner: null, label: 'now', run: note('now') })
  await run(1)
  expect([scheduler.nowMs, happened]).toEqual([1_000, ['now']])
  await run(2)
  expect([scheduler.nowMs, happened]).toEqual([1_200, ['now', 'early']])
  await run(2)
  expect([scheduler.nowMs, happened]).toEqual([1_500, ['now', 'early', 'late']])
  expect(await scheduler.step(inOrder)).toBeNull()
})

test('calls a timer off, also when its time has come already', async () => {
  const { scheduler, happened, note, run } = world()
  const callOff = scheduler.after(null, 100, 'called off', note('called off'))
  scheduler.passTo(1_100)
  callOff()
  await run(2)
  expect(happened).toEqual([])
})

test('nothing of the dead happens, and nothing of the frozen before they thaw', async () => {
  const { scheduler, happened, note, run } = world()
  scheduler.add({ owner: 'dead', label: 'x', run: note('dead') })
  scheduler.after('frozen', 100, 'x', note('frozen'))
  scheduler.after(null, 300, 'x', note('world'))
  scheduler.drop('dead')
  scheduler.freeze('frozen')
  await run(2)
  expect([scheduler.nowMs, happened]).toEqual([1_300, ['world']])
  scheduler.thaw('frozen')
  await run(2)
  expect(happened).toEqual(['world', 'frozen'])
})

test('waits for what is under way before anything else happens', async () => {
  const { scheduler, happened, note } = world()
  let finish = (): void => {}
  void scheduler
    .busy(
      () =>
        new Promise<void>(resolve => {
          finish = resolve
        }),
    )
    .then(note('work'))
  scheduler.add({ owner: null, label: 'next', run: note('next') })
  const step = scheduler.step(inOrder)
  setImmediate(() => setImmediate(() => finish()))
  await step
  expect(happened).toEqual(['work', 'next'])
})
