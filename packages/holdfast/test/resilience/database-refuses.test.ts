/**
 * The database refuses the transaction of a step: within it or at COMMIT, with a transient error or with ROLLBACK.
 * A transient error is retried unnoticed; otherwise the caller gets an error, and nothing is lost.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeStore, type TestStore } from '../support/test-store.ts'
import { expectEnd, type Journey, journeys } from './journeys.ts'
import { type Line, openLine } from './proxied-engine.ts'

type At = 'in the middle' | 'at COMMIT'

/**
 * Refuses the first transaction that writes such a row with `code`. A sequence, which a rollback does not reset, counts
 * the attempts.
 */
async function refuseOnce(store: TestStore, { to, on, when }: Journey['writes'], code: string, at: At): Promise<void> {
  const kind = at === 'at COMMIT' ? 'constraint trigger' : 'trigger'
  const deferred = at === 'at COMMIT' ? 'deferrable initially deferred' : ''
  await store.database.execute(`
    create sequence fault_refusals;
    create function fault_refuse() returns trigger language plpgsql as $$
    begin
      if nextval('fault_refusals') = 1 then
        raise exception 'refused on purpose' using errcode = '${code}';
      end if;
      return null;
    end; $$;
    create ${kind} fault after ${on} on ${to} ${deferred} for each row when (${when}) execute function fault_refuse();`)
}

async function refusals(store: TestStore): Promise<number> {
  const [row] = await store.sql<{ count: number }>(
    'select case when is_called then last_value else 0 end as count from fault_refusals',
  )
  await store.database.execute('drop function fault_refuse cascade; drop sequence fault_refusals')
  return row?.count ?? 0
}

const passing: [string, At][] = [
  ['40001', 'in the middle'],
  ['40001', 'at COMMIT'],
  ['40P01', 'in the middle'],
]

describeStore(
  'A transaction',
  store => {
    test.each(journeys)(
      'of the step $step that fails with a conflict or a deadlock is retried, unnoticed by the client',
      async journey => {
        for (const [code, at] of passing) {
          const ready = await journey.arrange(store)
          await refuseOnce(store, journey.writes, code, at)
          const answer = await journey.act(store.engine, ready)
          expect(await refusals(store), `${code} ${at}`).toBeGreaterThanOrEqual(2)
          expect(answer, `${code} ${at}`).toMatchObject({ status: journey.status })
          await expectEnd(store, journey, ready)
        }
      },
    )

    describe('whose COMMIT is answered with ROLLBACK', () => {
      let line: Line
      beforeAll(async () => {
        line = await openLine(store)
      })
      afterAll(() => line.stop())

      test.each(journeys)('in the step $step returns an error, and a second call completes the step', async journey => {
        const ready = await journey.arrange(store)
        const undone = line.proxy.breakAt('commit\0', { when: 'undone' }, journey.wire)
        const answer = journey.act(line.engine, ready)
        const refused = expect(answer).rejects.toMatchObject({ code: '25P02' })
        await undone
        await refused
        expect(await store.violations()).toEqual([])
        await store.drain()
        expect(await journey.act(line.engine, ready)).toMatchObject({ status: journey.status })
        await expectEnd(store, journey, ready)
      })
    })
  },
  ['postgres'],
)
