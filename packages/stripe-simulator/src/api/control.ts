/**
 * The control routes, with which another process controls the simulator. They take and return JSON, and answer only
 * requests from the loopback interface.
 */
import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { StripeSimulator } from '../stripe-simulator.ts'
import { StripeRefusal } from './refusal.ts'

const ms = z.number().int().min(0).max(1e11)
const loss = z.enum(['reset', 'silence']).optional()
const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('refuse_connection') }),
  z.strictObject({ kind: z.literal('lose_request'), loss }),
  z.strictObject({ kind: z.literal('lose_answer'), loss }),
  z.strictObject({ kind: z.literal('delay'), ms, when: z.enum(['before', 'after']).optional() }),
  z.strictObject({ kind: z.literal('apply_late'), ms }),
  z.strictObject({
    kind: z.literal('server_error'),
    effect: z.boolean(),
    status: z.literal([500, 502, 503, 504]).optional(),
  }),
  z.strictObject({ kind: z.literal('rate_limit'), retryAfterSeconds: z.number().int().min(0).optional() }),
  z.strictObject({ kind: z.literal('lock_timeout') }),
  z.strictObject({ kind: z.literal('key_in_use') }),
  z.strictObject({ kind: z.literal('other_amount'), byMinor: z.number().int().optional() }),
  z.strictObject({ kind: z.literal('other_currency'), currency: z.string() }),
  z.strictObject({ kind: z.literal('not_found') }),
  z.strictObject({
    kind: z.literal('refuse'),
    status: z.number().int().min(400).max(499).optional(),
    type: z.enum(['card_error', 'invalid_request_error']).optional(),
    code: z.string().optional(),
    declineCode: z.string().optional(),
    message: z.string().optional(),
  }),
])
const webhookFault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('lose') }),
  z.strictObject({ kind: z.literal('twice') }),
  z.strictObject({ kind: z.literal('late'), ms }),
  z.strictObject({ kind: z.literal('out_of_order') }),
  z.strictObject({ kind: z.literal('forge') }),
])
const planned = <F extends z.ZodType>(of: F) =>
  z.strictObject({
    fault: of,
    on: z.string().optional(),
    idempotencyKey: z.string().optional(),
    checkoutId: z.string().optional(),
    times: z.number().int().min(1).optional(),
    rate: z.number().min(0).max(1).optional(),
  })
const plannedFault = planned(fault)
const plannedWebhookFault = planned(webhookFault)
const advance = z.strictObject({ advanceMs: ms })
const refused = z.strictObject({ forMs: ms })
const outcome = z.strictObject({ outcome: z.enum(['complete', 'fail']) })
const disputed = z.strictObject({ kind: z.enum(['fraudulent', 'product_not_received', 'inquiry']).optional() })
const endpoint = z.strictObject({ url: z.url(), secret: z.string().min(1) })

/** Removes undefined fields, as the types of faults require. */
const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T

interface Controlled {
  simulator: StripeSimulator
  refuseFor: (ms: number) => void
}

type Control = (controlled: Controlled, id: string, body: unknown) => unknown

const done = { ok: true }

const controls: Readonly<Record<string, Control>> = {
  'GET books': ({ simulator }, id) => simulator.books(id),
  'GET effects': ({ simulator }) => ({ effects: simulator.effects() }),
  'GET events': ({ simulator }) => ({ events: simulator.events() }),
  'GET faults': ({ simulator }) => ({ fired: simulator.faultsFired() }),
  'POST faults': ({ simulator }, _, body) => {
    simulator.planFault(given(plannedFault.parse(body)) as Parameters<StripeSimulator['planFault']>[0])
    return done
  },
  'DELETE faults': ({ simulator }) => {
    simulator.clearFaults()
    return done
  },
  'POST webhook-faults': ({ simulator }, _, body) => {
    simulator.planWebhookFault(
      given(plannedWebhookFault.parse(body)) as Parameters<StripeSimulator['planWebhookFault']>[0],
    )
    return done
  },
  'POST webhooks': ({ simulator }, _, body) => {
    simulator.addWebhookEndpoint(endpoint.parse(body))
    return done
  },
  'POST clock': ({ simulator }, _, body) => {
    simulator.advance(advance.parse(body).advanceMs)
    return done
  },
  'POST refuse-connections': ({ refuseFor }, _, body) => {
    refuseFor(refused.parse(body).forMs)
    return done
  },
  'POST forget-keys': ({ simulator }) => {
    simulator.forgetKeys()
    return done
  },
  'POST expire': ({ simulator }, id) => ({ expired: simulator.expireAuthorization(id) }),
  'POST authenticate': ({ simulator }, id, body) => {
    simulator.authenticate(id, outcome.parse(body).outcome)
    return done
  },
  'POST fail-refund': ({ simulator }, id) => ({ failed: simulator.failRefund(id) }),
  'POST dispute': ({ simulator }, id, body) => ({ dispute: simulator.dispute(id, disputed.parse(body).kind) }),
}

const answer = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

function isAllowed(request: Request, token: string): boolean {
  const given = Buffer.from(request.headers.get('authorization') ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** @param access null: disabled. Disabled routes answer 404. */
export async function answerControl(
  controlled: Controlled,
  request: Request,
  access: true | { token: string } | null,
): Promise<Response> {
  const [, , name = '', id = ''] = new URL(request.url).pathname.split('/')
  const control = controls[`${request.method} ${name}`]
  if (access === null || control === undefined) return answer(404, { error: 'not_found' })
  if (access !== true && !isAllowed(request, access.token)) return answer(401, { error: 'unauthorized' })
  try {
    const text = await request.text()
    return answer(200, control(controlled, decodeURIComponent(id), text === '' ? {} : JSON.parse(text)))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return answer(error instanceof StripeRefusal ? error.status : 422, { error: 'invalid', message })
  }
}
