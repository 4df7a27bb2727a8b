/**
 * Checks of the database port: each is one promise that a PostgreSQL implementation must keep, and throws if it is
 * broken. The checks need no test runner. They work on tables of their own, whose names begin with `contract_`.
 */
import assert from 'node:assert/strict'
import { type Database, DatabaseError, statement } from 'holdfast/database'

export interface DatabaseUnderTest {
  database: Database
  /** Opens one more fresh database of the same kind. `stop` closes and removes it. */
  open(): Promise<OpenedDatabase>
}

export interface OpenedDatabase {
  database: Database
  stop(): Promise<void>
}

export interface DatabaseCheck {
  /** The promise, as the title of a test. */
  title: string
  /** Empties the tables of the checks, then runs the check. @throws if the promise is broken. */
  run(under: DatabaseUnderTest): Promise<void>
}

interface Note {
  readonly id: number
  readonly text: string
}

const insertNote = statement('contract_insert', 'insert into contract_notes (id, text) values ($1, $2)')
const notes = statement('contract_notes', 'select id, text from contract_notes order by id')
const echo = statement('contract_echo', 'select $1::int as n')
const waitAndEcho = statement('contract_wait', 'select $1::int as n from pg_sleep(0.02)')
const divide = statement('contract_divide', 'select 1 / $1::int as n')
const notifyIn = statement('contract_notify', `select pg_notify('contract_in', $1)`)
const conflictUntil = statement('contract_conflict', 'select contract_conflict($1::int)')

const emptyTables = `
create table if not exists contract_notes (id int constraint contract_notes_once primary key, text text not null);
create table if not exists contract_marks (
  id int primary key,
  note int constraint contract_marks_note references contract_notes deferrable initially deferred
);
create sequence if not exists contract_attempts;
create or replace function contract_conflict(attempts int) returns void language plpgsql as $$
begin
  if nextval('contract_attempts') < attempts then
    raise exception 'a concurrent transaction was faster' using errcode = '40001';
  end if;
end $$;
truncate contract_notes, contract_marks;
alter sequence contract_attempts restart;`

const stored = (database: Database) => database.query<Note>(notes)

async function refusalOf(work: Promise<unknown>): Promise<DatabaseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DatabaseError)) throw new Error('expected a DatabaseError', { cause: error })
  return error
}

async function refusedWith(code: string, work: Promise<unknown>): Promise<void> {
  assert.equal((await refusalOf(work)).code, code)
}

const values: readonly DatabaseCheck[] = [
  {
    title: 'values are read and written in the types of the port',
    async run({ database }) {
      const types = statement(
        'contract_types',
        `select 9007199254740991::bigint as big, 12.50::numeric as fraction, (select sum(n) from unnest(array[1, 2]::bigint[]) n) as total,
          1.5::float8 as float, true as yes, 'x'::text as text, 'ab'::varchar as short, null::int as nothing,
          '018f0000-0000-7000-8000-000000000001'::uuid as id, '{"a": [1, null]}'::jsonb as json,
          '2026-01-02 03:04:05.6789+02'::timestamptz as instant, '2026-01-02 03:04:05Z'::timestamptz as whole, '2026-01-02'::date as day,
          array[1, null, 3]::bigint[] as bigs, array['a', 'b,"c\\', null, 'NULL', '']::text[] as texts,
          array['{"a": "b"}'::jsonb] as jsons, array['2026-01-02 03:04:05Z'::timestamptz] as instants,
          '{}'::text[] as empty, array[[1, 2], [3, 4]] as grid, array[1.5, 2]::numeric[] as numerics, array[true, false] as flags`,
      )
      assert.deepEqual(await database.query(types), [
        {
          big: 9007199254740991,
          fraction: 12.5,
          total: 3,
          float: 1.5,
          yes: true,
          text: 'x',
          short: 'ab',
          nothing: null,
          id: '018f0000-0000-7000-8000-000000000001',
          json: { a: [1, null] },
          instant: '2026-01-02T01:04:05.678Z',
          whole: '2026-01-02T03:04:05.000Z',
          day: '2026-01-02',
          bigs: [1, null, 3],
          texts: ['a', 'b,"c\\', null, 'NULL', ''],
          jsons: [{ a: 'b' }],
          instants: ['2026-01-02T03:04:05.000Z'],
          empty: [],
          grid: [
            [1, 2],
            [3, 4],
          ],
          numerics: [1.5, 2],
          flags: [true, false],
        },
      ])
      const given = statement(
        'contract_given',
        `select $1::bigint as big, $2::bool as yes, $3::text as text, $4::text[] as texts, $5::bigint[] as bigs,
          $6::timestamptz as instant, $7::int as nothing, $8::numeric as fraction`,
      )
      const parameters = [
        ...([-5, true, `q'"\\`, ['a', 'b"c\\,', ''], [1, 2]] as const),
        ...(['2026-01-02T03:04:05.678Z', null, 0.25] as const),
      ]
      assert.deepEqual(await database.query(given, parameters), [
        {
          big: -5,
          yes: true,
          text: `q'"\\`,
          texts: ['a', 'b"c\\,', ''],
          bigs: [1, 2],
          instant: '2026-01-02T03:04:05.678Z',
          nothing: null,
          fraction: 0.25,
        },
      ])
    },
  },
  {
    title: 'many rows are written through one JSON parameter',
    async run({ database }) {
      const insertAll = statement(
        'contract_insert_all',
        'insert into contract_notes select id, text from json_to_recordset($1) as row (id int, text text) returning id, text',
      )
      const rows = [
        { id: 1, text: 'ä "quoted"' },
        { id: 2, text: 'b' },
      ]
      assert.deepEqual(await database.query(insertAll, [JSON.stringify(rows)]), rows)
    },
  },
  {
    title: 'an integer beyond the safe range of a number throws instead of being rounded',
    async run({ database }) {
      const big = statement('contract_unsafe', 'select 9007199254740993::bigint as n')
      await refusedWith('unsafe_integer', database.query(big))
      const sum = statement(
        'contract_unsafe_sum',
        'select sum(n) as n from unnest(array[9007199254740991, 9]::bigint[]) n',
      )
      const inTransaction = database.transaction(tx => tx.query(sum))
      await refusedWith('unsafe_integer', inTransaction)
      assert.deepEqual(await database.query(echo, [1]), [{ n: 1 }])
    },
  },
]

const transactions: readonly DatabaseCheck[] = [
  {
    title: 'a committed transaction returns the result of its work',
    async run({ database }) {
      const result = await database.transaction(async tx => {
        tx.send(insertNote, [1, 'sent'])
        await tx.query(insertNote, [2, 'queried'])
        return (await tx.query<Note>(notes)).length
      })
      assert.equal(result, 2)
      assert.deepEqual(await stored(database), [
        { id: 1, text: 'sent' },
        { id: 2, text: 'queried' },
      ])
    },
  },
  {
    title: 'a transaction whose work throws is rolled back and throws the same error',
    async run({ database }) {
      const thrown = new Error('changed my mind')
      const work = database.transaction(async tx => {
        await tx.query(insertNote, [1, 'a'])
        tx.send(insertNote, [2, 'b'])
        throw thrown
      })
      await assert.rejects(work, error => error === thrown)
      assert.deepEqual(await stored(database), [])
    },
  },
  {
    title: 'a failed statement that was sent without waiting fails its transaction and rolls it back',
    async run({ database }) {
      const work = database.transaction(async tx => {
        tx.send(insertNote, [1, 'a'])
        tx.send(insertNote, [1, 'again'])
        tx.send(insertNote, [2, 'b'])
        return 'done'
      })
      const error = await refusalOf(work)
      assert.deepEqual([error.code, error.constraint], ['23505', 'contract_notes_once'])
      assert.deepEqual(await stored(database), [])
    },
  },
  {
    title: 'a failed query fails its transaction even if the work ignores the error',
    async run({ database }) {
      const work = database.transaction(async tx => {
        tx.send(insertNote, [1, 'a'])
        await tx.query(divide, [0]).catch(() => {})
        return 'done'
      })
      await refusedWith('22012', work)
      const unawaited = database.transaction(async tx => {
        void tx.query(insertNote, [1, null])
      })
      await refusedWith('23502', unawaited)
      assert.deepEqual(await stored(database), [])
    },
  },
  {
    title: 'a statement that failed for its values works with other values, also in the next transaction',
    async run({ database }) {
      const checked = statement('contract_checked', 'select 6 / $1::int as n')
      await refusedWith('22012', database.query(checked, [0]))
      await refusedWith('22P02', database.query(checked, ['six']))
      assert.deepEqual(await database.query(checked, [3]), [{ n: 2 }])
      const inTransaction = database.transaction(tx => tx.query(checked, [0]))
      await refusedWith('22012', inTransaction)
      assert.deepEqual(await database.transaction(tx => tx.query(checked, [2])), [{ n: 3 }])
    },
  },
  {
    title: 'a violated constraint is reported with its name and details',
    async run({ database }) {
      await database.query(insertNote, [1, 'a'])
      const error = await refusalOf(database.query(insertNote, [1, 'b']))
      assert.deepEqual([error.code, error.constraint], ['23505', 'contract_notes_once'])
      assert.match(error.detail ?? '', /\(id\)=\(1\)/)
    },
  },
  {
    title: 'a constraint that is checked only at COMMIT fails the transaction',
    async run({ database }) {
      const mark = statement('contract_mark', 'insert into contract_marks values ($1, $2)')
      const error = await refusalOf(database.transaction(async tx => tx.send(mark, [1, 404])))
      assert.deepEqual([error.code, error.constraint], ['23503', 'contract_marks_note'])
    },
  },
  {
    title: 'concurrent transactions all commit',
    async run({ database }) {
      const ids = Array.from({ length: 25 }, (_, index) => index)
      await Promise.all(ids.map(id => database.transaction(async tx => tx.send(insertNote, [id, 'x']))))
      assert.deepEqual(
        (await stored(database)).map(note => note.id),
        ids,
      )
    },
  },
  {
    title: 'a serialization failure runs the work again',
    async run({ database }) {
      let runs = 0
      await database.transaction(async tx => {
        runs += 1
        tx.send(insertNote, [1, `run ${runs}`])
        tx.send(conflictUntil, [3])
      })
      assert.equal(runs, 3)
      assert.deepEqual(await stored(database), [{ id: 1, text: 'run 3' }])
    },
  },
  {
    title: 'a transaction that never succeeds fails after ten retries',
    async run({ database }) {
      let runs = 0
      const hopeless = database.transaction(async tx => {
        runs += 1
        await tx.query(conflictUntil, [1_000_000])
      })
      await refusedWith('40001', hopeless)
      assert.equal(runs, 11)
    },
  },
  {
    title: 'a transaction cannot be used after it has ended',
    async run({ database }) {
      let leaked: Pick<Database, 'query'> | undefined
      await database.transaction(async tx => {
        leaked = tx
      })
      assert.throws(() => leaked?.query(echo, [1]), /the transaction has ended/)
    },
  },
]

const statements: readonly DatabaseCheck[] = [
  {
    title: 'queries sent without waiting are answered in order',
    async run({ database }) {
      const order: number[] = []
      const numbers = [1, 2, 3, 4, 5]
      const ask = (db: Pick<Database, 'query'>) => (n: number) =>
        db.query<{ n: number }>(n % 2 === 1 ? waitAndEcho : echo, [n]).then(([row]) => order.push(row?.n ?? 0))
      await database.transaction(tx => Promise.all(numbers.map(ask(tx))))
      await Promise.all(numbers.map(ask(database)))
      assert.deepEqual(order, [...numbers, ...numbers])
    },
  },
  {
    title: 'the first of several failed statements is reported',
    async run({ database }) {
      const both = database.transaction(tx =>
        Promise.all([tx.query(echo, [1]), tx.query(insertNote, [1, null]), tx.query(divide, [0]), tx.query(echo, [2])]),
      )
      await refusedWith('23502', both)
      const later = database.transaction(async tx => {
        void tx.query(divide, [0])
        return tx.query(echo, [1])
      })
      await refusedWith('22012', later)
    },
  },
  {
    title: 'a statement whose preparation failed is prepared again',
    async run({ database }) {
      const absent = statement('contract_absent', 'select n from contract_absent')
      const failing = database.transaction(tx => Promise.all([tx.query(absent), tx.query(absent), tx.query(echo, [1])]))
      await refusedWith('42P01', failing)
      await refusedWith('42P01', database.query(absent))
      await database.execute('create table contract_absent as select 1 as n')
      const twice = () => database.transaction(tx => Promise.all([tx.query(absent), tx.query(absent)]))
      assert.deepEqual(await twice(), [[{ n: 1 }], [{ n: 1 }]])
      assert.deepEqual(await database.query(absent), [{ n: 1 }])
      await database.execute('drop table contract_absent')
    },
  },
  {
    title: 'a statement fails at most once after its table gained a column, then returns the column',
    async run({ database }) {
      const all = statement('contract_widened_rows', 'select * from contract_widened')
      const widen = statement('contract_widen', 'alter table contract_widened add column b int default 2')
      await database.execute('create table contract_widened as select 1 as a')
      assert.deepEqual(await database.query(all), [{ a: 1 }])
      await database.query(widen)
      await database.query(all).catch(() => {})
      assert.deepEqual(await database.query(all), [{ a: 1, b: 2 }])
      await database.execute('drop table contract_widened')
    },
  },
  {
    title: 'a named statement can be reused, and its name cannot be given to a different text',
    async run({ database }) {
      for (const n of [1, 2, 3]) assert.deepEqual(await database.query(echo, [n]), [{ n }])
      const impostor = statement('contract_echo', 'select 2 as n')
      await refusedWith('statement_name', database.query(impostor))
      const inTransaction = database.transaction(async tx => tx.send(impostor))
      await refusedWith('statement_name', inTransaction)
    },
  },
  {
    title: 'a failed script leaves no transaction open',
    async run({ database }) {
      const script = `begin; insert into contract_notes values (1, 'a'); select 1 / 0;`
      await refusedWith('22012', database.execute(script))
      assert.deepEqual(await stored(database), [])
      await assert.rejects(database.execute('insert into contract_notes values (1, null); select 1;'))
      await database.execute(`insert into contract_notes values (1, 'a'); insert into contract_notes values (2, 'b')`)
      assert.equal((await stored(database)).length, 2)
    },
  },
]

const connections: readonly DatabaseCheck[] = [
  {
    title: 'notifications reach every subscriber, those of a transaction only after its commit',
    async run({ database }) {
      const received: string[] = []
      const waiting = new Map<string, () => void>()
      const arrival = (payload: string) => new Promise<void>(resolve => waiting.set(payload, resolve))
      const receive = (payload: string) => {
        received.push(payload)
        waiting.get(payload)?.()
      }
      const unsubscribe = await database.listen('contract_in', receive)
      const unsubscribeOther = await database.listen('Contract "out"', receive)
      const last = arrival('last')
      const other = arrival('other')
      await database.transaction(async tx => tx.send(notifyIn, ['committed']))
      const rolledBack = database.transaction(async tx => {
        tx.send(notifyIn, ['never'])
        throw new Error('rolled back')
      })
      await assert.rejects(rolledBack, /rolled back/)
      await database.notify('Contract "out"', 'other')
      await database.notify('contract_in', 'last')
      await Promise.all([last, other])
      assert.deepEqual(
        received.filter(payload => payload !== 'other'),
        ['committed', 'last'],
      )

      await unsubscribe()
      const after = arrival('after')
      await database.notify('contract_in', 'no subscriber')
      await database.notify('Contract "out"', 'after')
      await after
      assert.equal(received.includes('no subscriber'), false)
      await unsubscribeOther()
    },
  },
  {
    title: 'closing waits for running transactions, can be repeated, and refuses later calls',
    async run({ open }) {
      const { database, stop } = await open()
      const running = database.transaction(async tx => tx.query<{ n: number }>(waitAndEcho, [1]))
      await Promise.all([database.close(), database.close()])
      assert.deepEqual(await running, [{ n: 1 }])
      await database.close()
      for (const late of [
        database.query(echo, [1]),
        database.transaction(async () => 1),
        database.execute('select 1'),
        database.listen('x', () => {}),
      ]) {
        await refusedWith('closed', late)
      }
      await stop()
    },
  },
]

/** Every promise of the database port. */
export const databaseChecks: readonly DatabaseCheck[] = [...values, ...transactions, ...statements, ...connections].map(
  ({ title, run }) => ({
    title,
    async run(under) {
      await under.database.execute(emptyTables)
      await run(under)
    },
  }),
)
