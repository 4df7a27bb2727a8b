/**
 * The SDK as the gateway uses it: one version of the API, no retries of its own, and keys that are left behind where
 * Stripe would give an old answer for ever.
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
  /** An intent with its charge. */
  retrieve(reference: string): Promise<Intent>
  /**
   * Sends a request under `key`. Where Stripe answers with what it once answered, and that says nothing any more (a 500,
   * a state that is over), that request has ended: unless `isDone` finds its effect, it is sent anew under another key.
   */
  keyed<Result>(
    key: string,
    send: (options: { idempotencyKey: string }) => Promise<Result>,
    isDone?: () => Promise<Result | null>,
  ): Promise<Result>
}

/** The answers are read as this version of Stripe's API writes them, whatever the account's default is. */
const apiVersion = '2026-10-28.endive'
/** So often a request is sent anew, until Stripe forgets its first key. */
const anewMax = 100
/** Of so many requests it is remembered which keys were left behind. */
const rememberedMax = 1_000

export function createStripeClient({ secretKey, timeoutMs, apiUrl, httpClient }: StripeClientOptions): StripeClient {
  const stripe = new Stripe(secretKey, {
    apiVersion,
    timeout: timeoutMs,
    // What is repeated, when, and under which key is decided here.
    maxNetworkRetries: 0,
    telemetry: false,
    ...(httpClient === undefined ? {} : { httpClient }),
    ...(apiUrl === undefined ? {} : addressOf(apiUrl)),
  })
  /** How many keys of a request were left behind: saves asking for each of them again. */
  const leftBehind = new Map<string, number>()

  function leave(key: string, keys: number): void {
    leftBehind.delete(key)
    leftBehind.set(key, keys)
    const [oldest] = leftBehind.keys()
    if (leftBehind.size > rememberedMax && oldest !== undefined) leftBehind.delete(oldest)
  }

  return {
    stripe,
    retrieve: reference => stripe.paymentIntents.retrieve(reference, { expand: ['latest_charge'] }),
    async keyed(key, send, isDone) {
      for (let again = leftBehind.get(key) ?? 0; ; again += 1) {
        try {
          return await send({ idempotencyKey: again === 0 ? key : `${key}:again:${again}` })
        } catch (error) {
          if (!isStale(error) || again === anewMax) throw error
          const done = await isDone?.()
          if (done !== undefined && done !== null) return done
          leave(key, again + 1)
        }
      }
    },
  }
}

/** What Stripe says to a question of the engine's; where it says nothing, an error that repeats nothing of Stripe's. */
export async function asked<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    const answer = answerOfError(error)
    throw new Error('message' in answer ? answer.message : 'Stripe gave no answer.')
  }
}

/** What a call says, with what it threw made an answer. */
export async function settled(call: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> {
  try {
    return await call()
  } catch (error) {
    return answerOfError(error)
  }
}

/** Not found where it must be: nothing is known. */
export function known(answer: LookupAnswer): GatewayAnswer {
  return answer.outcome === 'not_found'
    ? { outcome: 'unknown', message: 'Stripe has not done what it was asked for, and does not say why.' }
    : answer
}

/** A question that was refused says nothing of what it asked about. */
export function unsettled(answer: GatewayAnswer): GatewayAnswer {
  return answer.outcome === 'declined' ? { outcome: 'unknown', message: answer.message } : answer
}

/** The engine has stopped waiting: nothing that moves money is begun any more. */
export function gaveUp(signal: AbortSignal): GatewayAnswer | null {
  return signal.aborted ? { outcome: 'unknown', message: 'Nobody waited for Stripe any longer.' } : null
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
