/**
 * What the simulator holds: objects, clock, what is due, events and money effects. Synchronous and deterministic: the
 * same calls at the same times with the same random numbers make the same world.
 */
import type { Stripe } from 'stripe'
import type { TestMethod } from '../payments/test-methods.ts'
import type { Effect, EffectKind } from './books.ts'
import { createDueQueue } from './due-queue.ts'
import { createTable, type Table } from './table.ts'

/** The version of Stripe's API whose rules and shapes these are. */
export const apiVersion = '2026-10-28.endive'

export interface IntentRecord {
  id: string
  intent: Stripe.PaymentIntent
  /** What confirmation asked for, while the buyer authenticates. */
  pending: { method: MethodRecord; returnUrl: string | null; isAuthenticated: boolean } | null
}

export interface MethodRecord {
  id: string
  method: Stripe.PaymentMethod
  test: TestMethod
}

export interface TokenRecord {
  id: string
  token: Stripe.ConfirmationToken
  method: MethodRecord
  /** The terms a mandate needs came with it. */
  hasMandate: boolean
}

interface IntentVersion {
  atMs: number
  /** What can be searched for. */
  facts: Readonly<Record<string, unknown>> & { metadata: Readonly<Record<string, string>> }
  /** All of it, as JSON. */
  intent: string
}

/** An event as it was when it happened, its object frozen as text. */
export interface EventRecord {
  id: string
  type: string
  created: number
  object: string
  cause: Cause
  pendingWebhooks: number
}

/** The request that an event or effect came from; nulls where time brought it. */
export interface Cause {
  requestId: string | null
  idempotencyKey: string | null
}

export interface World {
  nowMs(): number
  /** Unix seconds, as Stripe writes times. */
  now(): number
  random(): number
  id(prefix: string): string
  intents: Table<IntentRecord>
  charges: Table<Stripe.Charge>
  refunds: Table<Stripe.Refund>
  disputes: Table<Stripe.Dispute>
  methods: Table<MethodRecord>
  tokens: Table<TokenRecord>
  events: Table<EventRecord>
  effects: Effect[]
  effectsOf(checkoutId: string): readonly Effect[]
  /** Those that name a checkout in their metadata, or once did. */
  intentsOf(checkoutId: string): readonly IntentRecord[]
  /** Where the buyer's browser reaches the simulator. */
  url(): string
  /** What is being done now, for events and effects. */
  cause: Cause
  emit(type: string, object: object): void
  record(kind: EffectKind, intent: Stripe.PaymentIntent, amountMinor: number, chargeId: string | null): void
  /** Tells search of an intent's change. */
  remember(intent: Stripe.PaymentIntent): void
  /** Intents as they were, for search: what it shows is old. */
  history: ReadonlyMap<string, readonly IntentVersion[]>
  later(afterMs: number, job: () => void): void
  /** Does what is due, in the order of its time; gives how much that was. */
  settle(): number
  nextDueMs(): number | null
}

export interface WorldOptions {
  clock: () => number
  random: () => number
  searchDelayMs: number
  url: () => string
  onEvent: (event: EventRecord) => void
}

const nobody: Cause = { requestId: null, idempotencyKey: null }
const eventsKept = 20_000
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const intentIdOf = ({ payment_intent: intent }: { payment_intent: unknown }): string | null =>
  typeof intent === 'string' ? intent : null

export function createWorld({ clock, random, searchDelayMs, url, onEvent }: WorldOptions): World {
  const due = createDueQueue<() => void>()
  const byCheckout = new Map<string, Effect[]>()
  const intentIds = new Map<string, Set<string>>()
  const history = new Map<string, IntentVersion[]>()
  let made = 0

  const world: World = {
    nowMs: clock,
    now: () => Math.floor(clock() / 1_000),
    random,
    id(prefix) {
      made += 1
      const digits = Array.from({ length: 16 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
      return `${prefix}_3${digits}${made.toString(36).toUpperCase().padStart(7, '0')}`
    },
    intents: createTable(),
    charges: createTable<Stripe.Charge>({ intentOf: intentIdOf }),
    refunds: createTable<Stripe.Refund>({ intentOf: intentIdOf }),
    disputes: createTable<Stripe.Dispute>({ intentOf: intentIdOf }),
    methods: createTable(),
    tokens: createTable(),
    events: createTable({ kept: eventsKept }),
    effects: [],
    effectsOf: checkoutId => byCheckout.get(checkoutId) ?? [],
    intentsOf: checkoutId => [...(intentIds.get(checkoutId) ?? [])].flatMap(id => world.intents.get(id) ?? []),
    url,
    cause: nobody,
    history,
    remember: intent => remember(intent, JSON.stringify(intent)),
    emit(type, object) {
      const event = {
        id: world.id('evt'),
        type,
        created: world.now(),
        object: JSON.stringify(object),
        cause: world.cause,
        pendingWebhooks: 0,
      }
      world.events.add(event)
      if (type.startsWith('payment_intent.')) remember(object as Stripe.PaymentIntent, event.object)
      onEvent(event)
    },
    record(kind, intent, amountMinor, chargeId) {
      const checkoutId = intent.metadata.checkout_id ?? null
      const effect = {
        at: new Date(clock()).toISOString(),
        kind,
        checkoutId,
        intentId: intent.id,
        chargeId,
        amountMinor,
        currency: intent.currency,
        ...world.cause,
      }
      world.effects.push(effect)
      if (checkoutId === null) return
      const known = byCheckout.get(checkoutId)
      if (known === undefined) byCheckout.set(checkoutId, [effect])
      else known.push(effect)
    },
    later: (afterMs, job) => due.add(clock() + afterMs, job),
    settle() {
      let done = 0
      const before = world.cause
      for (let next = due.take(clock()); next !== null; next = due.take(clock())) {
        world.cause = nobody
        next.value()
        done += 1
      }
      world.cause = before
      return done
    },
    nextDueMs: due.nextMs,
  }

  /** Keeps what search may still show: the newest that is old enough, and everything younger. */
  function remember({ id, metadata, amount, currency, customer, status }: Stripe.PaymentIntent, intent: string): void {
    const versions = history.get(id) ?? []
    const shown = versions.findLastIndex(({ atMs }) => atMs <= clock() - searchDelayMs)
    const facts = { metadata: { ...metadata }, amount, currency, customer, status }
    history.set(id, [...versions.slice(Math.max(shown, 0)), { atMs: clock(), facts, intent }])
    const { checkout_id: checkoutId } = metadata
    if (checkoutId === undefined) return
    const ids = intentIds.get(checkoutId)
    if (ids === undefined) intentIds.set(checkoutId, new Set([id]))
    else ids.add(id)
  }

  return world
}
