/** Defences of events: published in the transaction of their change, and delivered again after a crash. */
import { inTest, type Mutant } from '../mutant.ts'

const settle = 'packages/holdfast/src/saga/steps/settle.ts'

export const eventMutants: readonly Mutant[] = [
  {
    name: 'event in the same transaction',
    without: 'publishing the event with its change: it is published after the commit, in a separate transaction',
    edits: [
      {
        file: settle,
        find: '  return transaction(context, async (tx, context) => {\n',
        replace: '  const published: NewEvent[] = []\n  return transaction(context, async (tx, context) => {\n',
      },
      { file: settle, find: '    context.outbox.publish(tx, events)\n', replace: '    published.push(...events)\n' },
      {
        file: settle,
        find: '  })\n}\n\nfunction factsOf',
        replace: `  }).then(async nexts => {
    await context.db.transaction(async tx => context.outbox.publish(tx, published))
    return nexts
  })
}

function factsOf`,
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/crash.test.ts',
      '^Recovery \\(postgres.*a checkout that completes ends as without a crash after_commit:completed',
    ),
  },
  {
    name: 'delivery recorded after its run',
    without: 'recording a delivery only after its listener ran',
    edits: [
      {
        file: 'packages/holdfast/src/events/deliverer.ts',
        find: '      const result = await attempts.attempt(delivery, listener, batch)\n      if (!(await recording.submit(result))) return ',
        replace:
          "      const isRecorded = await recording.submit({ delivery, outcome: 'delivered', error: null, retryMs: 0 })\n      const result = await attempts.attempt(delivery, listener, batch)\n      if (!isRecorded) return ",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/events/deliverer.test.ts',
      'postgres.*a listener that fails three times is called again',
    ),
  },
  {
    name: 'epoch of a delivery',
    without: 'comparing the epoch of a result with that of its delivery',
    edits: [
      {
        file: 'packages/holdfast/src/events/deliveries.ts',
        find: '     and delivery.epoch = result.epoch\n',
        replace: '',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/events/deliverer.test.ts',
      'postgres.*a delivery of a dead process is delivered again',
    ),
  },
  {
    name: 'order of deliveries',
    without: 'leasing only the earliest delivery of a checkout and a listener',
    edits: [
      {
        file: 'packages/holdfast/src/events/deliveries.ts',
        find: '           and candidate.position = (\n',
        replace: '           and candidate.position >= (\n',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/events/deliverer.test.ts',
      'postgres.*the order within a checkout and listener is kept',
    ),
  },
]
