/**
 * The disk is full: the shop's data is on a small file system that is filled in the middle of checkouts. Transactions
 * without space fail whole; with space again every checkout continues. The write-ahead log is elsewhere: without space
 * for it, PostgreSQL stops, which is a crash (`database-restarted.test.ts`).
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { paid, undone } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'
import { openOnOwnServer } from './own-server.ts'

const directory = { path: '' }
const mounted = { why: '' }

/** Mounts a small file system for the server's user, or records why that is impossible. */
function mountSmall(): void {
  directory.path = mkdtempSync(path.join(tmpdir(), 'holdfast-small-'))
  try {
    // Only root can mount. The server of a test that runs as root runs as the user nobody (65534).
    const options = 'size=32m,mode=0700,uid=65534,gid=65534'
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory.path], { stdio: 'pipe' })
  } catch (error) {
    rmSync(directory.path, { recursive: true })
    mounted.why = String(error).trim().split('\n').at(-1) ?? 'no reason given'
  }
}
mountSmall()
const ballast = path.join(directory.path, 'ballast')
const fill = () => {
  const { bavail, bsize } = statfsSync(directory.path)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize))
}
const free = () => rmSync(ballast, { force: true })

const buyersCount = 32
type Call = 'authorize' | 'capture' | 'void'

describe.skipIf(mounted.why !== '')(`On a full disk (${mounted.why || 'staged'})`, () => {
  describeStore(
    'A crowd',
    store => {
      afterAll(() => {
        free()
      })

      /** Fills the disk once every buyer's call of this kind has taken effect, then answers all of them. */
      function gatewayThatFills(kind: Call): PaymentGateway {
        let waiting = 0
        let isFull = (): void => {}
        const full = new Promise<void>(resolve => {
          isFull = resolve
        })
        return {
          ...store.gateway,
          async [kind](request: never) {
            const answer = await store.gateway[kind](request)
            waiting += 1
            if (waiting === buyersCount) {
              fill()
              isFull()
            }
            await full
            return answer
          },
        }
      }

      const before = (locks: readonly string[]) =>
        store.sql<{ state: string; count: number }>(
          `select state, count(*) as count from holdfast.checkouts
           where id in (select jsonb_array_elements_text($1::jsonb)::uuid) group by 1 order by 1`,
          [JSON.stringify(locks)],
        )

      async function crowd() {
        const sku = await store.article({ stock: [buyersCount] })
        const carts = await Promise.all(Array.from({ length: buyersCount }, () => store.cart({ [sku]: 1 })))
        const start = () =>
          Promise.allSettled(carts.map(({ cartId, sessionId }) => store.engine.startCheckout(cartId, { sessionId })))
        return { sku, start }
      }
      const codes = (settled: readonly PromiseSettledResult<unknown>[]) =>
        new Set(settled.flatMap(one => (one.status === 'rejected' ? [one.reason.code] : [])))
      const locksOf = (settled: readonly PromiseSettledResult<{ id: string }>[]) =>
        settled.map(one => (one.status === 'fulfilled' ? one.value.id : ''))

      test('at the start gets errors, and can start once there is space', async () => {
        const { start, sku } = await crowd()
        fill()
        const refused = codes(await start())
        free()
        expect(refused).toEqual(new Set(['53100']))
        const locks = locksOf(await start())
        const outcomes = await Promise.all(locks.map(id => store.engine.processCheckout(id, { token: 'tok_approve' })))
        for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'completed' })
        expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
      })

      test('at the price lock gets errors, and can continue once there is space', async () => {
        const { start, sku } = await crowd()
        const locks = locksOf(await start())
        fill()
        const process = () =>
          Promise.allSettled(locks.map(id => store.engine.processCheckout(id, { token: 'tok_approve' })))
        const refused = codes(await process())
        free()
        expect(refused).toEqual(new Set(['53100']))
        expect(await store.violations()).toEqual([])
        await store.drain()
        expect(codes(await process())).toEqual(new Set())
        for (const id of locks) expect(await store.facts(id)).toEqual(paid(1_500))
        expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
      })

      test.each([
        ['authorize', 'tok_approve', 'authorizing'],
        ['capture', 'tok_approve', 'capturing'],
        ['void', 'tok_capture_decline', 'rolling_back'],
      ] as const)(
        'after the effect of "%s" gets errors, and the answers are recorded once there is space',
        async (kind, token, state) => {
          const { start, sku } = await crowd()
          const locks = locksOf(await start())
          const engine = await store.open({ gateway: gatewayThatFills(kind), numbers: { gatewayTimeoutMs: 60_000 } })
          const settled = await Promise.allSettled(locks.map(id => engine.processCheckout(id, { token })))
          const stuck = await before(locks)
          free()
          expect(codes(settled)).toEqual(new Set(['53100']))
          expect(stuck.map(row => row.state)).toContain(state)
          expect(await store.violations()).toEqual([])
          await store.drain()
          const end =
            kind === 'void' ? undone('capture_refused', 'payment_capture', { order: 'cancelled' }) : paid(1_500)
          for (const id of locks) expect(await store.facts(id)).toEqual(end)
          expect(await store.stock(sku)).toEqual({ onHand: kind === 'void' ? buyersCount : 0, reserved: 0 })
        },
      )
    },
    ['postgres'],
    () => openOnOwnServer({ tablespace: directory.path }),
  )
})

afterAll(() => {
  if (mounted.why !== '') return
  execFileSync('/bin/umount', [directory.path])
  rmSync(directory.path, { recursive: true })
})
