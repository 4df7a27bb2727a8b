/** What the sandbox decides on a request: the answer, how it travels, and what changes in the ledger with it. */
import type { GatewayAnswer } from '../gateway.ts'
import { declined, type EarlierRequest, type SandboxPayment, type SandboxRequest } from './payment.ts'

export interface Decision {
  answer: GatewayAnswer
  /** `never`: the answer is lost on its way; `slowly`: it takes its time. */
  delivery: 'at_once' | 'never' | 'slowly'
  effect: {
    /** The payment as it is from now on; null: as it was. */
    payment: SandboxPayment | null
    /** The key from now on stands for this request; null: it does not count as used. */
    remember: EarlierRequest | null
    /** Look at the payment again after so long. */
    settleInMs: number | null
  }
}

export const serverError: GatewayAnswer = { outcome: 'unknown', message: 'The sandbox answered 500.' }
export const noEffect = { payment: null, remember: null, settleInMs: null }
/** Refused without a trace: the key stays as it is. */
export const refused = (code: string): Decision => ({ answer: declined(code), delivery: 'at_once', effect: noEffect })

export function remembered(request: SandboxRequest, declineCode: string | null): EarlierRequest {
  const { authorization: _, ...kept } = request
  return { ...kept, declineCode }
}

/** Declined, and the key stands for that from now on. */
export const declinedFor = (request: SandboxRequest, code: string): Decision => ({
  answer: declined(code, request.reference),
  delivery: 'at_once',
  effect: { ...noEffect, remember: remembered(request, code) },
})
