/** Connections that are killed or exhausted under load: buyers get an error or wait, and nothing is lost. */
import { expect, test } from 'vitest'
import { DatabaseError } from '../../src/database/database.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'
import { addressOf } from './proxied-engine.ts'

const token = 'tok_approve'
const buyersCount = 16
/** All connections are killed after every four gateway calls, with checkouts in every state. */
const callsBetweenKills = 4
const triesMax = 20

describeStore(
  'A crowd of buyers',
  store => {
    test('whose connections are killed repeatedly gets every order exactly once', async () => {
      const url = await addressOf(store)
      const killAll = () =>
        store.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'crowd' and datname = current_database()`,
        )
      let calls = 0
      let kills = 0
      const killing =
        <Request, Answer>(call: (request: Request) => Promise<Answer>) =>
        async (request: Request): Promise<Answer> => {
          const answer = await call(request)
          calls += 1
          if (calls % callsBetweenKills === 0) {
            kills += 1
            await killAll()
          }
          return answer
        }
      const gateway: PaymentGateway = {
        ...store.gateway,
        authorize: killing(store.gateway.authorize),
        capture: killing(store.gateway.capture),
      }
      const databases = await Promise.all(
        [1, 2].map(() => connectPostgres({ url, applicationName: 'crowd', poolMax: 4 })),
      )
      const engines = await Promise.all(databases.map(database => store.open({ database, gateway })))
      const sku = await store.article({ stock: [buyersCount] })

      /** Retries after a lost connection, as browsers do. */
      async function persist<T>(ask: () => Promise<T>): Promise<T> {
        for (let tries = 1; ; tries += 1) {
          try {
            return await ask()
          } catch (error) {
            if (!(error instanceof DatabaseError) || tries >= triesMax) throw error
            expect(error.code).toBe('connection_lost')
          }
        }
      }
      const locks = await Promise.all(
        Array.from({ length: buyersCount }, async (_, index) => {
          const engine = engines[index % engines.length] ?? store.engine
          const { cartId, sessionId } = await store.cart({ [sku]: 1 })
          const { id } = await persist(() => engine.startCheckout(cartId, { sessionId }))
          await persist(() => engine.processCheckout(id, { token }))
          return id
        }),
      )
      expect(kills).toBeGreaterThanOrEqual((2 * buyersCount) / callsBetweenKills)
      await store.drain()
      for (const id of locks) expect(await store.facts(id)).toEqual(paid(1_500))
      expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
      await Promise.all(engines.map(engine => engine.close()))
      await Promise.all(databases.map(database => database.close()))
    })
  },
  ['postgres'],
)

describeStore(
  'A pool whose only connection is in use',
  store => {
    /** An engine with one connection, and `hold`, which takes that connection. */
    async function narrow(connectTimeoutMs: number, more: { gateway?: PaymentGateway } = {}) {
      const database = await connectPostgres({ url: await addressOf(store), poolMax: 1, connectTimeoutMs })
      const engine = await store.open({ database, ...more })
      async function hold(): Promise<() => Promise<void>> {
        let free = (): void => {}
        const released = new Promise<void>(resolve => {
          free = resolve
        })
        let taken = (): void => {}
        const isTaken = new Promise<void>(resolve => {
          taken = resolve
        })
        const held = database.transaction(() => {
          taken()
          return released
        })
        await isTaken
        return async () => {
          free()
          await held
        }
      }
      const stop = async () => {
        await engine.close()
        await database.close()
      }
      return { engine, hold, stop }
    }

    test('makes buyers wait until the connection is free', async () => {
      const { engine, hold, stop } = await narrow(20_000)
      const begun = await Promise.all([1, 2, 3].map(async () => store.begin({ [await store.article()]: 1 })))
      const free = await hold()
      const outcomes = Promise.all(begun.map(({ lockId }) => engine.processCheckout(lockId, { token })))
      await free()
      for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'completed' })
      await stop()
    })

    test('for too long refuses buyers before anything has happened, and serves them later', async () => {
      const { engine, hold, stop } = await narrow(1_000)
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const free = await hold()
      await expect(engine.processCheckout(lockId, { token })).rejects.toMatchObject({ code: 'pool_exhausted' })
      expect(await store.facts(lockId)).toMatchObject({ state: 'pending', payment: null })
      await free()
      expect(await engine.processCheckout(lockId, { token })).toMatchObject({ status: 'completed' })
      await stop()
    })

    test.each(['authorize', 'capture'] as const)(
      'for too long after the effect of "%s" returns an error, and the checkout completes later',
      async kind => {
        let hold = async () => async () => {}
        let free = async () => {}
        const gateway: PaymentGateway = {
          ...store.gateway,
          async [kind](request: never) {
            const answer = await store.gateway[kind](request)
            free = await hold()
            return answer
          },
        }
        const opened = await narrow(1_000, { gateway })
        hold = opened.hold
        const { lockId } = await store.begin({ [await store.article()]: 1 })
        await expect(opened.engine.processCheckout(lockId, { token })).rejects.toMatchObject({ code: 'pool_exhausted' })
        await free()
        await store.drain()
        expect(await opened.engine.processCheckout(lockId, { token })).toMatchObject({ status: 'completed' })
        expect(await store.facts(lockId)).toEqual(paid(1_500))
        await opened.stop()
      },
    )
  },
  ['postgres'],
)
