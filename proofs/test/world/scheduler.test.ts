/** Tests of the scheduler of simulated worlds. */
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

test('the scheduler runs one task per step, first in, first out', async () => {
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

test('time advances only if no task is ready, and only to the next timer', async () => {
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

test('a cancelled timer does not run, even if it is already due', async () => {
  const { scheduler, happened, note, run } = world()
  const cancel = scheduler.after(null, 100, 'cancelled', note('cancelled'))
  scheduler.passTo(1_100)
  cancel()
  await run(2)
  expect(happened).toEqual([])
})

test('tasks of a dead owner never run, and those of a frozen owner run after it thaws', async () => {
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

test('no task starts while real work is in progress', async () => {
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
