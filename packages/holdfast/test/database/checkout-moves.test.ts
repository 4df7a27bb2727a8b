/** Moves are told once, when they are certain, and whoever hears of them disturbs nobody. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Move, type Moved, noteMove, publishMoves } from '../../src/database/checkout-moves.ts'
import type { CheckoutRow } from '../../src/database/checkout-row.ts'
import { type Database, statement } from '../../src/database/database.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'

const move = (to: 'completed' | 'failed'): Move => ({ from: 'capturing', path: [{ to }], row: {} as CheckoutRow })

/** As the server does when two transactions stand in each other's way. */
const fail = statement('test_moves_fail', `do $$ begin raise exception using errcode = '40001'; end $$`)

describe('moves of a transaction', () => {
  let opened: TestDatabase
  const told: Moved[] = []
  const errors: unknown[] = []
  let telling: Database

  beforeAll(async () => {
    opened = await openTestDatabase('postgres', { migrated: false })
    const hear = (moved: Moved) => void told.push(moved)
    const stumble = () => {
      throw new Error('a hearer')
    }
    telling = publishMoves(opened.database, [stumble, hear], error => errors.push(error))
  })
  afterAll(() => opened.stop())

  test('are told once where the transaction had to run again, and only those that were committed', async () => {
    told.length = 0
    let runs = 0
    await telling.transaction(async tx => {
      runs += 1
      noteMove(tx, move(runs === 1 ? 'failed' : 'completed'))
      if (runs === 1) await tx.query(fail)
    })
    expect(runs).toBe(2)
    expect(told.map(({ moves }) => moves)).toEqual([[move('completed')]])
  })

  test('are not told where it was rolled back, or moved nothing', async () => {
    told.length = 0
    const broken = telling.transaction(async tx => {
      noteMove(tx, move('completed'))
      throw new Error('no')
    })
    await expect(broken).rejects.toThrow('no')
    await telling.transaction(async tx => noteMove(tx, { ...move('completed'), path: [] }))
    expect(told).toEqual([])
  })

  test('are told to everybody, whoever of them stumbles, and the transaction is none the worse', async () => {
    told.length = 0
    errors.length = 0
    const result = await telling.transaction(async tx => {
      noteMove(tx, move('completed'))
      return 7
    })
    expect(result).toBe(7)
    expect(told).toHaveLength(1)
    expect(errors).toEqual([new Error('a hearer')])
  })
})
