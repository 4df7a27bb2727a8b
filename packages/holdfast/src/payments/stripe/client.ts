/**
 * The Stripe SDK as the gateway uses it: a fixed API version, no retries of the SDK, and a new idempotency key when
 * Stripe would repeat an outdated answer.
 */
import Stripe from 'stripe'
import type { GatewayAnswer, LookupAnswer } from '../gateway.ts'
import type { Intent } from './intent.ts'
import { answerOfError, isStale } from './refusals.ts'

export interface StripeClientOptions {
  secretKey: string
  timeoutMs: number
  apiUrl: string | undefined
  httpClient: Stripe.StripeConfig['httpClient'] | undefined
}

export interface StripeClient {
  readonly stripe: Stripe
  /** Returns an intent with its charge. */
  retrieve(reference: string): Promise<Intent>
  /**
   * Sends a request under `key`. If Stripe repeats an outdated answer (a 500, or a state that has passed), that request is
   * finished: unless `isDone` finds its effect, the request is sent again under a new key.
   */
  keyed<Result>(
    key: string,
    send: (options: { idempotencyKey: string }) => Promise<Result>,
    isDone?: () => Promise<Result | null>,
  ): Promise<Result>
}

/** Answers are read in this API version, independent of the account's default. */
const apiVersion = '2026-10-28.endive'
/** Maximum number of new keys for a request, until Stripe forgets the first one. */
const newKeysMax = 100
/** Maximum number of requests whose outdated keys are remembered. */
const rememberedMax = 1_000

export function createStripeClient({ secretKey, timeoutMs, apiUrl, httpClient }: StripeClientOptions): StripeClient {
  const stripe = new Stripe(secretKey, {
    apiVersion,
    timeout: timeoutMs,
    // The engine decides what is repeated, when, and under which key.
    maxNetworkRetries: 0,
    telemetry: false,
    ...(httpClient === undefined ? {} : { httpClient }),
    ...(apiUrl === undefined ? {} : addressOf(apiUrl)),
  })
  /** The number of outdated keys per request, so that they are not sent again. */
  const outdatedKeys = new Map<string, number>()

  function rememberOutdated(key: string, keys: number): void {
    outdatedKeys.delete(key)
    outdatedKeys.set(key, keys)
    const [oldest] = outdatedKeys.keys()
    if (outdatedKeys.size > rememberedMax && oldest !== undefined) outdatedKeys.delete(oldest)
  }

  return {
    stripe,
    retrieve: reference => stripe.paymentIntents.retrieve(reference, { expand: ['latest_charge'] }),
    async keyed(key, send, isDone) {
      for (let again = outdatedKeys.get(key) ?? 0; ; again += 1) {
        try {
          return await send({ idempotencyKey: again === 0 ? key : `${key}:again:${again}` })
        } catch (error) {
          if (!isStale(error) || again === newKeysMax) throw error
          const done = await isDone?.()
          if (done !== undefined && done !== null) return done
          rememberOutdated(key, again + 1)
        }
      }
    },
  }
}

/** Returns the result of `call`. @throws an error without Stripe's own text, which can contain secrets. */
export async function withSafeErrors<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    const answer = answerOfError(error)
    throw new Error('message' in answer ? answer.message : 'Stripe did not answer.')
  }
}

/** Returns the answer of `call`, and turns an error into an answer. */
export async function withErrorsAsAnswers(call: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> {
  try {
    return await call()
  } catch (error) {
    return answerOfError(error)
  }
}

/** Replaces `not_found` by `unknown`, for a payment that must exist. */
export function orUnknown(answer: LookupAnswer): GatewayAnswer {
  return answer.outcome === 'not_found'
    ? { outcome: 'unknown', message: 'Stripe did not execute the request and gave no reason.' }
    : answer
}

/** Replaces `declined` by `unknown`: a refused read says nothing about the payment. */
export function declineToUnknown(answer: GatewayAnswer): GatewayAnswer {
  return answer.outcome === 'declined' ? { outcome: 'unknown', message: answer.message } : answer
}

/** Returns an answer if the engine has stopped waiting: then no request that moves money may start. */
export function unknownIfAborted(signal: AbortSignal): GatewayAnswer | null {
  return signal.aborted
    ? { outcome: 'unknown', message: 'The engine stopped waiting before the request was sent.' }
    : null
}

function addressOf(apiUrl: string): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  const { hostname, port, protocol } = new URL(apiUrl)
  const isPlain = protocol === 'http:'
  return {
    host: hostname,
    port: port === '' ? (isPlain ? 80 : 443) : Number(port),
    protocol: isPlain ? 'http' : 'https',
  }
}
