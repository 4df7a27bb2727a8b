/** Moves are published once, after the commit, and a failing subscriber affects neither others nor the transaction. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Move, type Moved, publishMoves, recordMove } from '../../src/database/checkout-moves.ts'
import type { CheckoutRow } from '../../src/database/checkout-row.ts'
import { type Database, statement } from '../../src/database/database.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'

const move = (to: 'completed' | 'failed'): Move => ({ from: 'capturing', path: [{ to }], row: {} as CheckoutRow })

/** Fails as the server does on a serialization conflict. */
const fail = statement('test_moves_fail', `do $$ begin raise exception using errcode = '40001'; end $$`)

describe('moves of a transaction', () => {
  let opened: TestDatabase
  const published: Moved[] = []
  const errors: unknown[] = []
  let database: Database

  beforeAll(async () => {
    opened = await openTestDatabase('postgres', { migrated: false })
    const record = (moved: Moved) => void published.push(moved)
    const failing = () => {
      throw new Error('a subscriber')
    }
    database = publishMoves(opened.database, [failing, record], error => errors.push(error))
  })
  afterAll(() => opened.stop())

  test('a transaction that was retried publishes only the moves of the committed attempt', async () => {
    published.length = 0
    let runs = 0
    await database.transaction(async tx => {
      runs += 1
      recordMove(tx, move(runs === 1 ? 'failed' : 'completed'))
      if (runs === 1) await tx.query(fail)
    })
    expect(runs).toBe(2)
    expect(published.map(({ moves }) => moves)).toEqual([[move('completed')]])
  })

  test('a transaction that was rolled back or moved nothing publishes nothing', async () => {
    published.length = 0
    const broken = database.transaction(async tx => {
      recordMove(tx, move('completed'))
      throw new Error('no')
    })
    await expect(broken).rejects.toThrow('no')
    await database.transaction(async tx => recordMove(tx, { ...move('completed'), path: [] }))
    expect(published).toEqual([])
  })

  test('a failing subscriber keeps no other subscriber from its moves, and the transaction returns its result', async () => {
    published.length = 0
    errors.length = 0
    const result = await database.transaction(async tx => {
      recordMove(tx, move('completed'))
      return 7
    })
    expect(result).toBe(7)
    expect(published).toHaveLength(1)
    expect(errors).toEqual([new Error('a subscriber')])
  })
})
