/** Defences of what is told: events from the transaction of their change, deliveries that a dead runner loses. */
import { inTest, type Mutant } from '../mutant.ts'

const settle = 'packages/holdfast/src/saga/steps/settle.ts'

export const tellingMutants: readonly Mutant[] = [
  {
    name: 'event in the same transaction',
    without: 'the event being written with its change: it is published after the commit, in a transaction of its own',
    edits: [
      {
        file: settle,
        find: '  return transaction(context, async (tx, context) => {\n',
        replace: '  const told: NewEvent[] = []\n  return transaction(context, async (tx, context) => {\n',
      },
      { file: settle, find: '    context.outbox.publish(tx, events)\n', replace: '    told.push(...events)\n' },
      {
        file: settle,
        find: '  })\n}\n\nfunction factsOf',
        replace: `  }).then(async nexts => {
    await context.db.transaction(async tx => context.outbox.publish(tx, told))
    return nexts
  })
}

function factsOf`,
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/crash.test.ts',
      '^A crash \\(postgres.*a checkout that completes after a crash after_commit:completed',
    ),
  },
  {
    name: 'delivery recorded after its run',
    without: 'a delivery being recorded only after its listener ran',
    edits: [
      {
        file: 'packages/holdfast/src/events/deliverer.ts',
        find: '      const result = await attempt(delivery, listener, claim)\n      if (!(await recording.submit(result))) return ',
        replace:
          "      const isRecorded = await recording.submit({ delivery, outcome: 'delivered', error: null, retryMs: 0 })\n      const result = await attempt(delivery, listener, claim)\n      if (!isRecorded) return ",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/events/deliverer.test.ts',
      'postgres.*repeats a listener that fails three times',
    ),
  },
  {
    name: 'epoch of a delivery',
    without: 'a result of a delivery naming the epoch of its claim',
    edits: [
      {
        file: 'packages/holdfast/src/events/deliveries.ts',
        find: '     and delivery.epoch = result.epoch\n',
        replace: '',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/events/deliverer.test.ts',
      'postgres.*delivers again what a dead runner had',
    ),
  },
  {
    name: 'order of deliveries',
    without: 'only the earliest delivery of a checkout and a listener being claimed',
    edits: [
      {
        file: 'packages/holdfast/src/events/deliveries.ts',
        find: '           and candidate.position = (\n',
        replace: '           and candidate.position >= (\n',
      },
    ],
    foundBy: inTest('packages/holdfast/test/events/deliverer.test.ts', 'postgres.*keeps the order within a checkout'),
  },
]
