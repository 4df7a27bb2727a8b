/**
 * The handling of one API call: the caller, the endpoint, the injected fault, the idempotency key, the execution, and
 * the stored answer.
 */

import { alteredForm, checkoutOf } from '../faults/fault-effects.ts'
import type { FaultPlan, Loss, StripeFault, StripeFaults } from '../faults/faults.ts'
import { publicView } from '../payments/intent-object.ts'
import { apiVersion, type World } from '../world/world.ts'
import { authenticateCaller, type Keys, requireOwnAccount, secretKeyRequired, versionOf } from './caller.ts'
import { type FormFields, parseForm } from './form.ts'
import { createIdempotencyKeys, type IdempotencyKeys, requireKey, type StoredAnswer } from './idempotency.ts'
import { invalid, keyInUse, lockTimeout, missing, rateLimited, StripeRefusal, serverError } from './refusal.ts'
import { type Route, routes, type Scene } from './routes.ts'

/** A failed connection, with the error code of the caller's operating system. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
  readonly code: 'ECONNRESET' | 'ECONNREFUSED'
  constructor(code: 'ECONNRESET' | 'ECONNREFUSED') {
    super(code === 'ECONNRESET' ? 'socket hang up' : 'connect ECONNREFUSED')
    this.code = code
  }
}

export interface ApiOptions {
  world: World
  keys: Keys
  searchDelayMs: number
  faults: StripeFaults | null
  plan: FaultPlan<StripeFault>
  sleep: (ms: number) => Promise<void>
  /** Aborts when the simulator closes, which ends calls that wait without an answer. */
  ending: AbortSignal
}

export interface StripeApi {
  call(request: Request): Promise<Response>
  idempotencyKeys: IdempotencyKeys
}

interface Call {
  path: string
  requestId: string
  /** The idempotency key of a POST; null if there is none. */
  key: string | null
  form: FormFields
  route: Route
  scene: Scene
  signal: AbortSignal
}

const bodyMax = 1_000_000

export function createApi(options: ApiOptions): StripeApi {
  const { world, keys, plan, faults, sleep, ending } = options
  const idempotencyKeys = createIdempotencyKeys()

  async function call(request: Request): Promise<Response> {
    const requestId = world.id('req')
    const { pathname, search } = new URL(request.url)
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'request-id': requestId,
      'stripe-version': apiVersion,
    }
    const key = request.method === 'POST' ? request.headers.get('idempotency-key') : null
    if (key !== null) headers['idempotency-key'] = key
    let isPublishable = false
    try {
      const text = request.method === 'POST' ? await bodyText(request) : search.slice(1)
      const form = parseForm(text)
      isPublishable = authenticateCaller(request.headers, form, keys).isPublishable
      headers['stripe-version'] = versionOf(request.headers)
      requireOwnAccount(request.headers)
      if (key !== null) requireKey(key)
      const { route, id } = find(request.method, pathname)
      if (isPublishable && !route.isPublic) throw secretKeyRequired()
      const scene = { world, id, isPublishable, searchDelayMs: options.searchDelayMs }
      const answer = await answerTo({ path: pathname, requestId, key, form, route, scene, signal: request.signal })
      if (answer.requestId !== requestId) {
        headers['idempotent-replayed'] = 'true'
        headers['original-request'] = answer.requestId
      }
      return new Response(answer.body, { status: answer.status, headers: { ...headers, ...answer.headers } })
    } catch (error) {
      if (!(error instanceof StripeRefusal)) throw error
      const { status, body, headers: more } = refusedAnswer(error, requestId, isPublishable)
      return new Response(body, { status, headers: { ...headers, ...more } })
    }
  }

  function decide({ path, key, form, route, scene }: Call): StripeFault | null {
    const { operation, method } = route
    const about = { idempotencyKey: key, checkoutId: checkoutOf(world, scene.id, form) }
    const decided = faults?.({ method, path, operation, body: form, ...about }) ?? null
    if (decided !== null) return plan.count(decided, operation)
    return plan.next({ on: operation, ...about })
  }

  /** Applies the faults of the connection; `execute` applies those of the execution. */
  async function answerTo(call: Call): Promise<StoredAnswer> {
    const fault = decide(call)
    if (fault !== null) await goWrongBefore(fault, call)
    const { key, path, form, signal } = call
    const remembered = key === null ? null : idempotencyKeys.take(key, path, form, world.nowMs())
    if (remembered === null) {
      const prepared = prepare(call, fault)
      if (fault?.kind === 'apply_late') {
        world.later(fault.ms, () => void execute(call, prepared, null))
        return lose('silence', signal)
      }
      if (fault?.kind === 'delay' && fault.when === 'before') await sleep(fault.ms)
      return arrived(execute(call, prepared, fault), fault, signal)
    }
    return arrived(remembered, fault, signal)
  }

  /** A request that is refused before its execution does not use its key. */
  function prepare({ route, scene, form, key }: Call, fault: StripeFault | null): (scene: Scene) => object {
    const altered = fault === null ? null : alteredForm(world, route.operation, scene.id, form, fault)
    try {
      return route.prepare(altered ?? form)
    } catch (error) {
      if (key !== null) idempotencyKeys.release(key)
      throw error
    }
  }

  async function arrived(answer: StoredAnswer, fault: StripeFault | null, signal: AbortSignal): Promise<StoredAnswer> {
    if (fault?.kind === 'lose_answer') return lose(fault.loss ?? 'reset', signal)
    if (fault?.kind === 'delay' && fault.when !== 'before') await sleep(fault.ms)
    return answer
  }

  async function goWrongBefore(fault: StripeFault, { key, route, scene, signal, path }: Call): Promise<void> {
    switch (fault.kind) {
      case 'refuse_connection':
        throw new ConnectionFailure('ECONNREFUSED')
      case 'lose_request':
        await lose(fault.loss ?? 'reset', signal)
        return
      case 'rate_limit':
        throw rateLimited(fault.retryAfterSeconds)
      case 'lock_timeout':
        throw lockTimeout()
      case 'key_in_use':
        throw keyInUse(key ?? '')
      case 'not_found':
        if (route.operation === 'retrieve') {
          throw missing(path.split('/')[2]?.replace(/s$/, '') ?? 'object', scene.id, 'intent')
        }
        return
      default:
        return
    }
  }

  /** A call without an answer ends with its caller or with the simulator. */
  function lose(loss: Loss, signal: AbortSignal): Promise<never> {
    if (loss === 'reset') return Promise.reject(new ConnectionFailure('ECONNRESET'))
    return new Promise((_, reject) => {
      const end = () => reject(new ConnectionFailure('ECONNRESET'))
      const either = AbortSignal.any([signal, ending])
      if (either.aborted) end()
      else either.addEventListener('abort', end, { once: true })
    })
  }

  function execute(call: Call, prepared: (scene: Scene) => object, fault: StripeFault | null): StoredAnswer {
    const { requestId, key, scene } = call
    world.settle()
    const before = world.cause
    world.cause = { requestId, idempotencyKey: key }
    let answer: StoredAnswer
    try {
      answer = worked(call, prepared, fault)
    } catch (error) {
      if (!(error instanceof StripeRefusal)) {
        if (key !== null) idempotencyKeys.release(key)
        throw error
      }
      answer = refusedAnswer(error, requestId, scene.isPublishable)
    } finally {
      world.cause = before
    }
    if (key !== null) idempotencyKeys.store(key, answer)
    return answer
  }

  return { call, idempotencyKeys }
}

function worked(
  { requestId, route, scene }: Call,
  prepared: (scene: Scene) => object,
  fault: StripeFault | null,
): StoredAnswer {
  if (fault?.kind === 'server_error' && !fault.effect) throw serverError(fault.status)
  if (fault?.kind === 'refuse') {
    const {
      status,
      type = 'invalid_request_error',
      code = 'capture_charge_authorization_expired',
      declineCode,
      message,
    } = fault
    throw new StripeRefusal(status ?? (type === 'card_error' ? 402 : 400), {
      type,
      code,
      ...(declineCode === undefined ? {} : { decline_code: declineCode }),
      message: message ?? 'The request was refused.',
    })
  }
  const object = prepared(scene)
  if (fault?.kind === 'server_error') throw serverError(fault.status)
  const isEmpty = fault?.kind === 'not_found' && (route.operation === 'list' || route.operation === 'search')
  const body = JSON.stringify(isEmpty ? { ...object, data: [], has_more: false } : object)
  return { status: 200, body, headers: {}, requestId }
}

function refusedAnswer(
  { status, error, headers }: StripeRefusal,
  requestId: string,
  isPublishable: boolean,
): StoredAnswer {
  const { payment_intent: intent } = error
  const shown = intent !== undefined && isPublishable ? { ...error, payment_intent: publicView(intent) } : error
  return { status, body: JSON.stringify({ error: shown }), headers, requestId }
}

function find(method: string, path: string): { route: Route; id: string } {
  for (const route of routes) {
    const found = route.method === method ? route.path.exec(path) : null
    if (found !== null) return { route, id: found[1] ?? '' }
  }
  throw new StripeRefusal(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  })
}

async function bodyText(request: Request): Promise<string> {
  const type = request.headers.get('content-type') ?? ''
  const text = await request.text()
  if (text !== '' && !type.startsWith('application/x-www-form-urlencoded')) {
    throw invalid(
      'Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.',
    )
  }
  if (text.length > bodyMax)
    throw new StripeRefusal(413, { type: 'invalid_request_error', message: 'The request is too large.' })
  return text
}
