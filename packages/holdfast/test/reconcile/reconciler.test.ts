/** Scheduled reconciliation: one process at a time, at intervals, with stored results. */
import { expect, test } from 'vitest'
import type { Clock } from '../../src/saga/context.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

/** Holds back timers as long as those of the reconciler, until `pass` is called. */
function heldClock() {
  const waiting = new Set<() => void>()
  const clock: Clock = {
    after(ms, run) {
      if (ms >= 10_000 && ms < 200_000) {
        waiting.add(run)
        return () => void waiting.delete(run)
      }
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  }
  const pass = () => {
    for (const run of [...waiting]) {
      waiting.delete(run)
      run()
    }
  }
  return { clock, pass, waiting }
}

/** The gateway's list holds back its answer until `release` is called. */
function heldList(store: TestStore) {
  let release = (): void => {}
  let asked = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const isAsked = new Promise<void>(resolve => {
    asked = resolve
  })
  const list: TestStore['gateway']['list'] = async page => {
    asked()
    await released
    return store.gateway.list(page)
  }
  return { gateway: { ...store.gateway, list }, isAsked, release: () => release() }
}

/** Pauses between retries take no time. */
const hasty: Clock = {
  after(ms, run) {
    const timer = setTimeout(run, ms === 1_000 || ms === 2_000 ? 0 : ms)
    return () => clearTimeout(timer)
  },
}

interface RunRow {
  by_itself: boolean
  failure: string | null
  ended: boolean
}
const runs = (store: TestStore) =>
  store.sql<RunRow>(
    'select by_itself, failure, ended_at is not null as ended from holdfast.reconciliations order by started_at',
  )
const forgetRuns = (store: TestStore) => store.sql('delete from holdfast.reconciliations')

describeStore('The reconciler', store => {
  const patient = { gatewayTimeoutMs: 9_000 }

  test('the reconciler runs on schedule, repairs what it may, and reports the rest', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 2 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    const reference = `sbx_${lockId}:authorize:1`
    await store.sql('update holdfast_sandbox.payments set refunded_minor = 100 where id = $1', [reference])
    const { clock, pass, waiting } = heldClock()
    const engine = await store.open({ workers: true, clock })
    expect(waiting.size).toBe(1)
    pass()
    await expect.poll(async () => (await runs(store)).map(({ ended }) => ended), { timeout: 20_000 }).toEqual([true])
    expect(await runs(store)).toEqual([{ by_itself: true, failure: null, ended: true }])
    expect((await store.facts(lockId)).order).toBe('partially_refunded')
    expect((await engine.health({ maxAgeMs: 0 })).checks.reconciliation).toMatchObject({ status: 'ok', count: 0 })
    // No further run is due, in this process or in a different one.
    await expect.poll(() => waiting.size).toBe(1)
    pass()
    await expect.poll(() => waiting.size).toBe(1)
    expect(await runs(store)).toHaveLength(1)
    await engine.close()
    await forgetRuns(store)
  })

  test('the reconciler does not run if it is disabled or the gateway cannot list payments', async () => {
    const { inspect: _, list: __, ...gateway } = store.gateway
    for (const options of [{ config: { reconcileIntervalMinutes: 0 } }, { gateway }]) {
      const { clock, waiting } = heldClock()
      const engine = await store.open({ workers: true, clock, ...options })
      expect(waiting.size).toBe(0)
      expect((await engine.health({ maxAgeMs: 0 })).checks).not.toHaveProperty('reconciliation')
      await engine.close()
    }
  })

  test('reconciliation runs in one process at a time, and a concurrent request is refused', async () => {
    const held = heldList(store)
    const first = await store.open({ gateway: held.gateway, numbers: patient })
    const running = first.reconcile()
    await held.isAsked
    const apart = await store.open({ apart: store.kind === 'postgres' })
    await expect(apart.reconcile()).rejects.toMatchObject({ code: 'overloaded', retryable: true })
    held.release()
    expect(await running).toMatchObject({ differences: [] })
    expect(await apart.reconcile()).toMatchObject({ differences: [] })
    await forgetRuns(store)
  })

  test('one reconciliation begins if several processes are due at the same moment', async () => {
    const clocks = [heldClock(), heldClock(), heldClock()]
    const engines = await Promise.all(
      clocks.map(({ clock }) => store.open({ workers: true, clock, apart: store.kind === 'postgres' })),
    )
    for (const { pass } of clocks) pass()
    for (const { waiting } of clocks) await expect.poll(() => waiting.size, { timeout: 20_000 }).toBe(1)
    expect((await runs(store)).length).toBe(1)
    await Promise.all(engines.map(engine => engine.close()))
    await forgetRuns(store)
  })

  test('a reconciliation that does not renew its lease is given up, and its later writes are ignored', async () => {
    const held = heldList(store)
    const frozen = await store.open({ gateway: held.gateway, numbers: patient })
    const running = frozen.reconcile()
    const refused = expect(running).rejects.toThrow('given up')
    await held.isAsked
    await store.sql('update holdfast.reconciliations set alive_until = now() where ended_at is null')
    await store.engine.reconcile()
    held.release()
    await refused
    expect((await runs(store)).map(({ failure }) => failure)).toEqual(['its process stopped responding', null])
    await forgetRuns(store)
  })

  test('a failed reconciliation is stored, and the differences of the one before still count', async () => {
    const engine = await store.open({
      gateway: { ...store.gateway, list: () => Promise.reject(new Error('no answer')) },
      clock: hasty,
      numbers: patient,
    })
    await store.sql(
      `insert into holdfast.reconciliations (id, gateway, hours, alive_until, ended_at, difference_count)
       values (gen_random_uuid(), 'sandbox', 72, now(), now(), 2)`,
    )
    await expect(engine.reconcile()).rejects.toThrow('no answer')
    expect((await runs(store)).at(-1)).toMatchObject({ failure: 'no answer', ended: true })
    expect((await store.engine.health({ maxAgeMs: 0 })).checks.reconciliation).toMatchObject({
      status: 'warning',
      count: 2,
    })
    await forgetRuns(store)
  })

  test('the newest hundred results are kept', async () => {
    await store.sql(
      `insert into holdfast.reconciliations (id, gateway, hours, started_at, alive_until, ended_at)
       select gen_random_uuid(), 'sandbox', 72, now() - n * interval '1 hour', now(), now() from generate_series(1, 130) n`,
    )
    const { id } = await store.engine.reconcile()
    expect(await runs(store)).toHaveLength(100)
    expect(await store.sql('select 1 from holdfast.reconciliations where id = $1', [id])).toHaveLength(1)
    await forgetRuns(store)
  })

  test('a reconciliation is aborted when its engine closes', async () => {
    const held = heldList(store)
    const engine = await store.open({ gateway: held.gateway, numbers: patient })
    const running = engine.reconcile().catch((error: unknown) => error)
    await held.isAsked
    const closing = engine.close()
    held.release()
    await closing
    expect(await running).toMatchObject({ code: 'closed' })
    expect((await runs(store)).at(-1)).toMatchObject({ ended: true, failure: expect.any(String) })
    await forgetRuns(store)
  })
})
