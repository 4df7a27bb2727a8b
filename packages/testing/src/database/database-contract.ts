/** What every database behind the port promises; each implementation passes this suite, on tables of its own. */

import { type Database, DatabaseError, statement } from 'holdfast/database'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

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

const scratch = `
create table contract_notes (id int constraint contract_notes_once primary key, text text not null);
create table contract_marks (
  id int primary key,
  note int constraint contract_marks_note references contract_notes deferrable initially deferred
);
create sequence contract_attempts;
create function contract_conflict(attempts int) returns void language plpgsql as $$
begin
  if nextval('contract_attempts') < attempts then
    raise exception 'somebody was faster' using errcode = '40001';
  end if;
end $$;`

async function refusalOf(work: Promise<unknown>): Promise<DatabaseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DatabaseError)) throw new Error('expected a DatabaseError', { cause: error })
  return error
}

/** `open` gives a fresh database; `stop` closes and removes it. */
export function databaseContract(
  name: string,
  open: () => Promise<{ database: Database; stop(): Promise<void> }>,
): void {
  describe(name, () => {
    let opened: { database: Database; stop(): Promise<void> }
    let database: Database

    beforeAll(async () => {
      opened = await open()
      database = opened.database
      await database.execute(scratch)
    })
    beforeEach(() =>
      database.execute('truncate contract_notes, contract_marks; alter sequence contract_attempts restart'),
    )
    afterAll(() => opened.stop())

    const stored = () => database.query<Note>(notes)

    test('values travel in and out as the port says', async () => {
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
      expect(await database.query(types)).toEqual([
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
      const values = [-5, true, `q'"\\`, ['a', 'b"c\\,', ''], [1, 2], '2026-01-02T03:04:05.678Z', null, 0.25] as const
      expect(await database.query(given, values)).toEqual([
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
    })

    test('rows travel in as one JSON parameter', async () => {
      const insertAll = statement(
        'contract_insert_all',
        'insert into contract_notes select id, text from json_to_recordset($1) as row (id int, text text) returning id, text',
      )
      const rows = [
        { id: 1, text: 'ä "quoted"' },
        { id: 2, text: 'b' },
      ]
      expect(await database.query(insertAll, [JSON.stringify(rows)])).toEqual(rows)
    })

    test('an integer that a number cannot hold throws instead of being rounded', async () => {
      const big = statement('contract_unsafe', 'select 9007199254740993::bigint as n')
      expect((await refusalOf(database.query(big))).code).toBe('unsafe_integer')
      const sum = statement(
        'contract_unsafe_sum',
        'select sum(n) as n from unnest(array[9007199254740991, 9]::bigint[]) n',
      )
      expect((await refusalOf(database.transaction(tx => tx.query(sum)))).code).toBe('unsafe_integer')
      expect(await database.query(echo, [1])).toEqual([{ n: 1 }])
    })

    test('a transaction gives the result of its work, once committed', async () => {
      const result = await database.transaction(async tx => {
        tx.send(insertNote, [1, 'sent'])
        await tx.query(insertNote, [2, 'queried'])
        return (await tx.query<Note>(notes)).length
      })
      expect(result).toBe(2)
      expect(await stored()).toEqual([
        { id: 1, text: 'sent' },
        { id: 2, text: 'queried' },
      ])
    })

    test('a transaction whose work throws leaves nothing, and throws the same', async () => {
      const thrown = new Error('changed my mind')
      const work = database.transaction(async tx => {
        await tx.query(insertNote, [1, 'a'])
        tx.send(insertNote, [2, 'b'])
        throw thrown
      })
      await expect(work).rejects.toBe(thrown)
      expect(await stored()).toEqual([])
    })

    test('a sent statement that fails fails the transaction with its error, and leaves nothing', async () => {
      const work = database.transaction(async tx => {
        tx.send(insertNote, [1, 'a'])
        tx.send(insertNote, [1, 'again'])
        tx.send(insertNote, [2, 'b'])
        return 'done'
      })
      const error = await refusalOf(work)
      expect([error.code, error.constraint]).toEqual(['23505', 'contract_notes_once'])
      expect(await stored()).toEqual([])
    })

    test('a query that fails fails the transaction even when its work ignores that', async () => {
      const work = database.transaction(async tx => {
        tx.send(insertNote, [1, 'a'])
        await tx.query(divide, [0]).catch(() => {})
        return 'done'
      })
      expect((await refusalOf(work)).code).toBe('22012')
      const unawaited = database.transaction(async tx => {
        void tx.query(insertNote, [1, null])
      })
      expect((await refusalOf(unawaited)).code).toBe('23502')
      expect(await stored()).toEqual([])
    })

    test('what failed for its values works with others, also within the next transaction', async () => {
      const checked = statement('contract_checked', 'select 6 / $1::int as n')
      expect((await refusalOf(database.query(checked, [0]))).code).toBe('22012')
      expect((await refusalOf(database.query(checked, ['six']))).code).toBe('22P02')
      expect(await database.query(checked, [3])).toEqual([{ n: 2 }])
      expect((await refusalOf(database.transaction(tx => tx.query(checked, [0])))).code).toBe('22012')
      expect(await database.transaction(tx => tx.query(checked, [2]))).toEqual([{ n: 3 }])
    })

    test('a violated constraint is named, with its details', async () => {
      await database.query(insertNote, [1, 'a'])
      const error = await refusalOf(database.query(insertNote, [1, 'b']))
      expect([error.code, error.constraint]).toEqual(['23505', 'contract_notes_once'])
      expect(error.detail).toContain('(id)=(1)')
    })

    test('a constraint that is only checked at COMMIT fails the transaction', async () => {
      const mark = statement('contract_mark', 'insert into contract_marks values ($1, $2)')
      const error = await refusalOf(database.transaction(async tx => tx.send(mark, [1, 404])))
      expect([error.code, error.constraint]).toEqual(['23503', 'contract_marks_note'])
    })

    test('queries made without awaiting are answered in order', async () => {
      const order: number[] = []
      const numbers = [1, 2, 3, 4, 5]
      const ask = (db: Pick<Database, 'query'>) => (n: number) =>
        db.query<{ n: number }>(n % 2 === 1 ? waitAndEcho : echo, [n]).then(([row]) => order.push(row?.n ?? 0))
      await database.transaction(tx => Promise.all(numbers.map(ask(tx))))
      await Promise.all(numbers.map(ask(database)))
      expect(order).toEqual([...numbers, ...numbers])
    })

    test('of statements that fail together the first one is reported', async () => {
      const both = database.transaction(tx =>
        Promise.all([tx.query(echo, [1]), tx.query(insertNote, [1, null]), tx.query(divide, [0]), tx.query(echo, [2])]),
      )
      expect((await refusalOf(both)).code).toBe('23502')
      const later = database.transaction(async tx => {
        void tx.query(divide, [0])
        return tx.query(echo, [1])
      })
      expect((await refusalOf(later)).code).toBe('22012')
    })

    test('a statement whose preparation failed is prepared anew', async () => {
      const absent = statement('contract_absent', 'select n from contract_absent')
      const failing = database.transaction(tx => Promise.all([tx.query(absent), tx.query(absent), tx.query(echo, [1])]))
      expect((await refusalOf(failing)).code).toBe('42P01')
      expect((await refusalOf(database.query(absent))).code).toBe('42P01')
      await database.execute('create table contract_absent as select 1 as n')
      const twice = () => database.transaction(tx => Promise.all([tx.query(absent), tx.query(absent)]))
      expect(await twice()).toEqual([[{ n: 1 }], [{ n: 1 }]])
      expect(await database.query(absent)).toEqual([{ n: 1 }])
      await database.execute('drop table contract_absent')
    })

    test('a statement whose table got other columns is refused once at most, then gives them', async () => {
      const all = statement('contract_widened_rows', 'select * from contract_widened')
      const widen = statement('contract_widen', 'alter table contract_widened add column b int default 2')
      await database.execute('create table contract_widened as select 1 as a')
      expect(await database.query(all)).toEqual([{ a: 1 }])
      await database.query(widen)
      await database.query(all).catch(() => {})
      expect(await database.query(all)).toEqual([{ a: 1, b: 2 }])
      await database.execute('drop table contract_widened')
    })

    test('a named statement is used again and again, and its name stands for one text', async () => {
      for (const n of [1, 2, 3]) expect(await database.query(echo, [n])).toEqual([{ n }])
      const impostor = statement('contract_echo', 'select 2 as n')
      expect((await refusalOf(database.query(impostor))).code).toBe('statement_name')
      const inTransaction = database.transaction(async tx => tx.send(impostor))
      expect((await refusalOf(inTransaction)).code).toBe('statement_name')
    })

    test('transactions at the same time all commit', async () => {
      const ids = Array.from({ length: 25 }, (_, index) => index)
      await Promise.all(ids.map(id => database.transaction(async tx => tx.send(insertNote, [id, 'x']))))
      expect((await stored()).map(note => note.id)).toEqual(ids)
    })

    test('a serialization failure runs the work again', async () => {
      let runs = 0
      await database.transaction(async tx => {
        runs += 1
        tx.send(insertNote, [1, `run ${runs}`])
        tx.send(conflictUntil, [3])
      })
      expect(runs).toBe(3)
      expect(await stored()).toEqual([{ id: 1, text: 'run 3' }])
    })

    test('a transaction that never succeeds is given up after ten more runs', async () => {
      let runs = 0
      const hopeless = database.transaction(async tx => {
        runs += 1
        await tx.query(conflictUntil, [1_000_000])
      })
      expect((await refusalOf(hopeless)).code).toBe('40001')
      expect(runs).toBe(11)
    })

    test('a transaction that has ended is of no more use', async () => {
      let leaked: Pick<Database, 'query'> | undefined
      await database.transaction(async tx => {
        leaked = tx
      })
      expect(() => leaked?.query(echo, [1])).toThrow('the transaction has ended')
    })

    test('a script that fails leaves nothing open', async () => {
      const error = await refusalOf(
        database.execute(`begin; insert into contract_notes values (1, 'a'); select 1 / 0;`),
      )
      expect(error.code).toBe('22012')
      expect(await stored()).toEqual([])
      await expect(database.execute('insert into contract_notes values (1, null); select 1;')).rejects.toThrow()
      await database.execute(`insert into contract_notes values (1, 'a'); insert into contract_notes values (2, 'b')`)
      expect(await stored()).toHaveLength(2)
    })

    test('notifications reach whoever listens, from transactions once they commit', async () => {
      const heard: string[] = []
      const waiting = new Map<string, () => void>()
      const arrival = (payload: string) => new Promise<void>(resolve => waiting.set(payload, resolve))
      const hear = (payload: string) => {
        heard.push(payload)
        waiting.get(payload)?.()
      }
      const stop = await database.listen('contract_in', hear)
      const stopOther = await database.listen('Contract "out"', hear)
      const last = arrival('last')
      const other = arrival('other')
      await database.transaction(async tx => tx.send(notifyIn, ['committed']))
      const undone = database.transaction(async tx => {
        tx.send(notifyIn, ['never'])
        throw new Error('undone')
      })
      await expect(undone).rejects.toThrow('undone')
      await database.notify('Contract "out"', 'other')
      await database.notify('contract_in', 'last')
      await Promise.all([last, other])
      expect(heard.filter(payload => payload !== 'other')).toEqual(['committed', 'last'])

      await stop()
      const after = arrival('after')
      await database.notify('contract_in', 'nobody hears')
      await database.notify('Contract "out"', 'after')
      await after
      expect(heard).not.toContain('nobody hears')
      await stopOther()
    })

    test('closing waits for what is running, can be repeated, and refuses what comes later', async () => {
      const other = await open()
      const running = other.database.transaction(async tx => tx.query<{ n: number }>(waitAndEcho, [1]))
      await Promise.all([other.database.close(), other.database.close()])
      expect(await running).toEqual([{ n: 1 }])
      await other.database.close()
      for (const late of [
        other.database.query(echo, [1]),
        other.database.transaction(async () => 1),
        other.database.execute('select 1'),
        other.database.listen('x', () => {}),
      ]) {
        expect((await refusalOf(late)).code).toBe('closed')
      }
      await other.stop()
    })
  })
}
