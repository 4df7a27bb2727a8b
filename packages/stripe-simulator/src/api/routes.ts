/** The endpoints: their parameters, their work, and whether a publishable key may call them. */

import type { StripeOperation } from '../faults/faults.ts'
import { confirmIntent } from '../payments/confirm.ts'
import { createToken, tokenCreateRules } from '../payments/confirmation-tokens.ts'
import { closeDispute, disputeUpdateRules, findDispute, updateDispute } from '../payments/disputes.ts'
import { publicView } from '../payments/intent-object.ts'
import { confirmRules, createRules, updateRules } from '../payments/intent-parameters.ts'
import {
  cancelIntent,
  cancelRules,
  captureIntent,
  captureRules,
  createIntent,
  findIntent,
  updateIntent,
} from '../payments/intents.ts'
import { createMethod, findMethod, methodCreateRules } from '../payments/payment-methods.ts'
import { createRefund, refundRules } from '../payments/refunds.ts'
import { account, balance } from '../world/account.ts'
import { eventListRules, listEvents, retrieveEvent } from '../world/events.ts'
import { createdRange, isCreatedIn, type Page, pagingRules } from '../world/table.ts'
import type { IntentRecord, World } from '../world/world.ts'
import { expanded } from './expand.ts'
import type { FormFields } from './form.ts'
import { either, hash, integer, mergedMetadata, metadata, type Rule, text, texts } from './parameters.ts'
import { invalid, missing } from './refusal.ts'
import { searchIntents, searchRules } from './search.ts'

/** The context of a call. */
export interface Scene {
  world: World
  /** The ID in the path. */
  id: string
  isPublishable: boolean
  searchDelayMs: number
}

export interface Route {
  method: 'GET' | 'POST'
  path: RegExp
  operation: StripeOperation
  isPublic: boolean
  /** Reads the parameters and returns the work. @throws {StripeRefusal} */
  prepare(params: FormFields): (scene: Scene) => object
}

function route<P extends object>(
  name: `${'GET' | 'POST'} /v1/${string}`,
  operation: StripeOperation,
  rules: Rule<P>,
  run: (scene: Scene, params: P) => object,
  { isPublic = false }: { isPublic?: boolean } = {},
): Route {
  const [method, pattern = ''] = name.split(' ')
  return {
    method: method === 'GET' ? 'GET' : 'POST',
    path: new RegExp(`^${pattern.replace(':id', '([A-Za-z0-9_-]+)')}$`),
    operation,
    isPublic,
    prepare(form) {
      const params = rules(form, '')
      const { expand } = params as { expand?: string[] }
      return scene => expanded(scene.world, run(scene, params), expand ?? [])
    },
  }
}

const retrieveRules = hash({ expand: texts })
const listRules = hash({ ...pagingRules, created: either(integer, createdRange), customer: text, expand: texts })
const ofIntentRules = hash({
  ...pagingRules,
  charge: text,
  created: either(integer, createdRange),
  customer: text,
  expand: texts,
  payment_intent: text,
})

/** The intent of the path. A publishable key also needs the client secret. */
function ownIntent({ world, id, isPublishable }: Scene, secret: string | undefined): IntentRecord {
  if (isPublishable && secret === undefined) {
    throw invalid('Missing required param: client_secret.', { code: 'parameter_missing', param: 'client_secret' })
  }
  const record = findIntent(world, id)
  if (secret !== undefined && record.intent.client_secret !== secret) {
    throw invalid('The client_secret provided does not match any associated PaymentIntent on this account.', {
      param: 'client_secret',
    })
  }
  return record
}

const shown = ({ intent }: IntentRecord, { isPublishable }: Scene): object =>
  isPublishable ? publicView(intent) : intent

function listIntents({ world }: Scene, params: ReturnType<typeof listRules>): object {
  const { created, customer, expand: _, ...paging } = params
  const page: Page<IntentRecord> = world.intents.page({
    url: '/v1/payment_intents',
    noun: 'payment_intent',
    paging,
    where: ({ intent }) =>
      isCreatedIn(intent.created, created) && (customer === undefined || intent.customer === customer),
  })
  return { ...page, data: page.data.map(({ intent }) => intent) }
}

function listOf(kind: 'charges' | 'refunds' | 'disputes') {
  return ({ world }: Scene, params: ReturnType<typeof ofIntentRules>): object => {
    const { created, customer, charge, payment_intent: intentId, expand: _, ...paging } = params
    if (intentId !== undefined) findIntent(world, intentId, 'payment_intent', 400)
    const table = world[kind] as unknown as World['refunds']
    return table.page({
      url: `/v1/${kind}`,
      noun: kind.slice(0, -1),
      paging,
      ...(intentId === undefined ? {} : { of: intentId }),
      where: one =>
        isCreatedIn(one.created, created) &&
        (charge === undefined || one.charge === charge) &&
        (customer === undefined || one.customer === customer),
    })
  }
}

function find<K extends 'charges' | 'refunds'>({ world, id }: Scene, kind: K) {
  const found = world[kind].get(id)
  if (found === undefined) throw missing(kind.slice(0, -1), id, kind === 'charges' ? 'charge' : 'id')
  return found
}

export const routes: readonly Route[] = [
  route('POST /v1/payment_intents', 'create', createRules, ({ world }, params) => createIntent(world, params).intent),
  route('GET /v1/payment_intents', 'list', listRules, listIntents),
  route('GET /v1/payment_intents/search', 'search', searchRules, ({ world, searchDelayMs }, params) =>
    searchIntents(world, params, searchDelayMs),
  ),
  route(
    'GET /v1/payment_intents/:id',
    'retrieve',
    hash({ client_secret: text, expand: texts, is_stripe_sdk: text, key: text, _stripe_version: text }),
    (scene, params) => shown(ownIntent(scene, params.client_secret), scene),
    { isPublic: true },
  ),
  route('POST /v1/payment_intents/:id', 'update', updateRules, ({ world, id }, params) => {
    const record = findIntent(world, id)
    updateIntent(world, record, params)
    return record.intent
  }),
  route(
    'POST /v1/payment_intents/:id/confirm',
    'confirm',
    confirmRules,
    (scene, params) => {
      const record = ownIntent(scene, params.client_secret)
      confirmIntent(scene.world, record, params, scene)
      return shown(record, scene)
    },
    { isPublic: true },
  ),
  route('POST /v1/payment_intents/:id/capture', 'capture', captureRules, ({ world, id }, params) => {
    const record = findIntent(world, id)
    captureIntent(world, record, params)
    return record.intent
  }),
  route('POST /v1/payment_intents/:id/cancel', 'cancel', cancelRules, ({ world, id }, params) => {
    const record = findIntent(world, id)
    cancelIntent(world, record, params)
    return record.intent
  }),
  route('GET /v1/charges', 'list', ofIntentRules, listOf('charges')),
  route('GET /v1/charges/:id', 'retrieve', retrieveRules, scene => find(scene, 'charges')),
  route('POST /v1/refunds', 'refund', refundRules, ({ world }, params) => createRefund(world, params)),
  route('GET /v1/refunds', 'list', ofIntentRules, listOf('refunds')),
  route('GET /v1/refunds/:id', 'retrieve', retrieveRules, scene => find(scene, 'refunds')),
  route('POST /v1/refunds/:id', 'update', hash({ expand: texts, metadata }), (scene, params) => {
    const refund = find(scene, 'refunds')
    refund.metadata = mergedMetadata(refund.metadata ?? {}, params.metadata)
    return refund
  }),
  route('GET /v1/disputes', 'list', ofIntentRules, listOf('disputes')),
  route('GET /v1/disputes/:id', 'retrieve', retrieveRules, ({ world, id }) => findDispute(world, id)),
  route('POST /v1/disputes/:id', 'dispute', disputeUpdateRules, ({ world, id }, params) =>
    updateDispute(world, findDispute(world, id), params),
  ),
  route('POST /v1/disputes/:id/close', 'dispute', retrieveRules, ({ world, id }) =>
    closeDispute(world, findDispute(world, id)),
  ),
  route('GET /v1/events', 'list', eventListRules, ({ world }, params) => listEvents(world, params)),
  route('GET /v1/events/:id', 'retrieve', retrieveRules, ({ world, id }) => retrieveEvent(world, id)),
  route(
    'POST /v1/payment_methods',
    'create_method',
    methodCreateRules,
    ({ world }, params) => createMethod(world, params).method,
    { isPublic: true },
  ),
  route(
    'GET /v1/payment_methods/:id',
    'retrieve',
    retrieveRules,
    ({ world, id }) => findMethod(world, id, 'id').method,
  ),
  route('POST /v1/test_helpers/confirmation_tokens', 'create_method', tokenCreateRules, ({ world }, params) =>
    createToken(world, params),
  ),
  route(
    'POST /v1/confirmation_tokens',
    'create_method',
    tokenCreateRules,
    ({ world }, params) => createToken(world, params),
    {
      isPublic: true,
    },
  ),
  route('GET /v1/confirmation_tokens/:id', 'retrieve', retrieveRules, ({ world, id }) => {
    const found = world.tokens.get(id)
    if (found === undefined) throw missing('confirmation_token', id)
    return found.token
  }),
  route('GET /v1/balance', 'probe', retrieveRules, ({ world }) => balance(world)),
  route('GET /v1/account', 'probe', retrieveRules, () => account()),
]
