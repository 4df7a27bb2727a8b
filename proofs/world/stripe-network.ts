/**
 * The simulated network below Stripe's SDK. Each request and each answer is a task of its own, which the scheduler runs
 * in time, late, or never, even after the death of the sender.
 */
import type Stripe from 'stripe'
import type { StripeFault, StripeOperation } from '../../packages/stripe-simulator/src/faults/faults.ts'
import type { CallFault } from './faults.ts'
import type { Caller } from './provider.ts'
import type { Scheduler } from './scheduler.ts'

/** The transit time of a late request: longer than any caller waits. */
const lateMs = 45_000

export interface StripeNetworkOptions extends Caller {
  scheduler: Scheduler
  /** Stripe's side of the network, with a fault to inject there. */
  handle(request: Request, fault: StripeFault | null): Promise<Response>
}

type Kind = Parameters<ReturnType<Caller['faults']>['onCall']>[0]

/** The Stripe operation of a request, and the gateway operation that it belongs to. */
function purposeOf(method: string, path: string): { name: StripeOperation; kind: Kind } {
  if (method === 'GET') return { name: 'retrieve', kind: 'lookup' }
  if (path.endsWith('/refunds')) return { name: 'refund', kind: 'refund' }
  const verb = /\/payment_intents\/\w+\/(confirm|capture|cancel)$/.exec(path)?.[1]
  switch (verb) {
    case 'capture':
      return { name: 'capture', kind: 'capture' }
    case 'cancel':
      return { name: 'cancel', kind: 'void' }
    case 'confirm':
      return { name: 'confirm', kind: 'authorize' }
    default:
      return { name: path.endsWith('/payment_intents') ? 'create' : 'update', kind: 'authorize' }
  }
}

/** Faults that are injected at Stripe. */
const stripeFaults: Partial<Record<CallFault, StripeFault>> = {
  error_before: { kind: 'server_error', effect: false },
  error_after: { kind: 'server_error', effect: true },
  in_flight: { kind: 'key_in_use' },
  too_many: { kind: 'rate_limit' },
  declined: { kind: 'refuse', type: 'card_error', code: 'card_declined', declineCode: 'processing_error' },
  blind: { kind: 'not_found' },
}

export function stripeNetwork(options: StripeNetworkOptions): NonNullable<Stripe.StripeConfig['httpClient']> {
  const { owner, scheduler, faults, at, handle } = options

  function send(request: Request, name: StripeOperation, kind: Kind): Promise<Answered> {
    // Stripe itself checks whether a key was used with other parameters.
    const fault = faults().onCall(kind, false)
    return new Promise((resolve, reject) => {
      const answers = (label: string, run: () => void) => scheduler.add({ owner, label, run })
      if (fault === 'refused') {
        const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        return answers(`${name} is refused`, () => reject(refused))
      }
      if (fault === 'lost_request') return
      const arrives = () => {
        void scheduler
          .busy(async () => {
            const response = await handle(request, stripeFaults[fault ?? 'late'] ?? null)
            return {
              status: response.status,
              headers: Object.fromEntries(response.headers),
              body: await response.text(),
            }
          })
          .then(answered => {
            if (fault === 'lost_answer' || fault === 'late') return
            answers(`${name} is answered: ${answered.status}`, () => resolve(answered))
          }, reject)
      }
      if (fault === 'late') scheduler.after(null, lateMs, `${name} arrives late`, arrives)
      else scheduler.add({ owner: null, label: `${name} arrives`, run: arrives })
    })
  }

  return {
    getClientName: () => 'simulated network',
    async makeRequest(host, _port, path, method, headers, body) {
      const request = new Request(`http://${host}${path}`, {
        method,
        headers: headers as Record<string, string>,
        ...(method === 'POST' ? { body } : {}),
      })
      const { name, kind } = purposeOf(method, path.split('?')[0] ?? path)
      const answered = await at(name, () => send(request, name, kind))
      return response(answered)
    },
  }
}

interface Answered {
  status: number
  headers: Record<string, string>
  body: string
}

function response({ status, headers, body }: Answered) {
  return {
    getStatusCode: () => status,
    getHeaders: () => headers,
    getRawResponse: () => ({ body }),
    toStream(): never {
      throw new Error('streaming is not supported')
    },
    toJSON: async () => JSON.parse(body),
  }
}
