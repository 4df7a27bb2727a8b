/** A process that freezes in the middle of a transaction blocks other buyers only until `idleTransactionMs`. */
import { expect, test } from 'vitest'
import { statement } from '../../src/database/database.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import { describeStore } from '../support/test-store.ts'

const lockAllStock = statement('test_lock_all_stock', 'select 1 as locked from holdfast.stock_levels for update')
const readUrl = statement('test_read_url', `select current_database() as name`)

describeStore(
  'A process that freezes while it holds stock locks',
  store => {
    test('the database ends the transaction of a frozen process, and other buyers continue', async () => {
      const [{ name } = { name: '' }] = await store.database.query<{ name: string }>(readUrl)
      const url = new URL((await import('vitest')).inject('postgresUrl'))
      url.pathname = `/${name}`
      const frozen = await connectPostgres({ url: url.href, poolMax: 1, idleTransactionMs: 300 })
      let thaw = (): void => {}
      const thawed = new Promise<void>(resolve => {
        thaw = resolve
      })
      let tries = 0
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      let locked = (): void => {}
      const hasLock = new Promise<void>(resolve => {
        locked = resolve
      })
      const held = frozen.transaction(async tx => {
        tries += 1
        await tx.query(lockAllStock)
        locked()
        if (tries === 1) await thawed
        return tries
      })
      await hasLock
      expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
        status: 'completed',
      })
      thaw()
      // The frozen transaction is retried from the start, on the current data.
      expect(await held).toBe(2)
      await frozen.close()
    })
  },
  ['postgres'],
)
