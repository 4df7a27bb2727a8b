/**
 * The state of the simulator: objects, clock, due jobs, events, and movements of money. Synchronous and deterministic:
 * the same calls at the same times with the same random numbers lead to the same state.
 */
import type { Stripe } from 'stripe'
import type { TestMethod } from '../payments/test-methods.ts'
import type { Effect, EffectKind } from './books.ts'
import { createDueQueue } from './due-queue.ts'
import { createTable, type Table } from './table.ts'

/** The version of Stripe's API that is simulated. */
export const apiVersion = '2026-10-28.endive'

export interface IntentRecord {
  id: string
  intent: Stripe.PaymentIntent
  /** The parameters of the confirmation while the buyer authenticates. */
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
  /** The parameters included the terms that a mandate needs. */
  hasMandate: boolean
}

interface IntentVersion {
  atMs: number
  /** The searchable fields. */
  facts: Readonly<Record<string, unknown>> & { metadata: Readonly<Record<string, string>> }
  /** The whole object, as JSON. */
  intent: string
}

/** An event with its object as JSON at that time. */
export interface EventRecord {
  id: string
  type: string
  created: number
  object: string
  cause: Cause
  pendingWebhooks: number
}

/** The request that caused an event or effect; null if time did. */
export interface Cause {
  requestId: string | null
  idempotencyKey: string | null
}

export interface World {
  nowMs(): number
  /** Unix seconds, as in Stripe's API. */
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
  /** The intents that name a checkout in their metadata, or did once. */
  intentsOf(checkoutId: string): readonly IntentRecord[]
  /** The URL of the simulator for browsers. */
  url(): string
  /** The request in progress, for events and effects. */
  cause: Cause
  emit(type: string, object: object): void
  record(kind: EffectKind, intent: Stripe.PaymentIntent, amountMinor: number, chargeId: string | null): void
  /** Records a change of an intent for search. */
  remember(intent: Stripe.PaymentIntent): void
  /** Old versions of intents for search, whose results are delayed. */
  history: ReadonlyMap<string, readonly IntentVersion[]>
  later(afterMs: number, job: () => void): void
  /** Runs due jobs in the order of their times. Returns their number. */
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

const noCause: Cause = { requestId: null, idempotencyKey: null }
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
    cause: noCause,
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
        world.cause = noCause
        next.value()
        done += 1
      }
      world.cause = before
      return done
    },
    nextDueMs: due.nextMs,
  }

  /** Keeps the versions that search may still show: the newest that is old enough, and all younger ones. */
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
