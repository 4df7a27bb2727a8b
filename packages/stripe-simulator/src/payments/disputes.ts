/** Disputes: the cardholder's bank reclaims the money of a charge, or inquires about it. */
import type { Stripe } from 'stripe'
import { anything, flag, hash, mergedMetadata, metadata, text, texts } from '../api/parameters.ts'
import { invalid, missing } from '../api/refusal.ts'
import type { World } from '../world/world.ts'

type DisputeKind = 'fraudulent' | 'product_not_received' | 'inquiry'

const answerWithinSeconds = 9 * 24 * 60 * 60

const evidenceNames = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_communication',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'customer_signature',
  'duplicate_charge_documentation',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'receipt',
  'refund_policy',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'service_documentation',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_documentation',
  'shipping_tracking_number',
  'uncategorized_file',
] as const

function newDispute(world: World, charge: Stripe.Charge, kind: DisputeKind): Stripe.Dispute {
  const isInquiry = kind === 'inquiry'
  const brand = charge.payment_method_details?.card?.brand ?? null
  return {
    id: world.id('du'),
    object: 'dispute',
    amount: charge.amount_captured,
    balance_transactions: [],
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      ...Object.fromEntries(evidenceNames.map(name => [name, null])),
      enhanced_evidence: {},
      uncategorized_text: null,
    } as Stripe.Dispute['evidence'],
    evidence_details: {
      due_by: world.now() + answerWithinSeconds,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    } as Stripe.Dispute['evidence_details'],
    intended_submission_method: null,
    is_charge_refundable: isInquiry,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    ...(brand === null
      ? {}
      : {
          payment_method_details: {
            card: {
              brand,
              case_type: isInquiry ? 'inquiry' : 'chargeback',
              network: brand,
              network_reason_code: kind === 'product_not_received' ? '13.1' : '10.4',
            },
            type: 'card',
          } as NonNullable<Stripe.Dispute['payment_method_details']>,
        }),
    reason: isInquiry ? 'general' : kind,
    status: isInquiry ? 'warning_needs_response' : 'needs_response',
  }
}

export function openDispute(world: World, charge: Stripe.Charge, kind: DisputeKind): Stripe.Dispute {
  const dispute = newDispute(world, charge, kind)
  world.disputes.add(dispute)
  charge.disputed = true
  const intent = world.intents.get(String(charge.payment_intent))?.intent
  if (intent !== undefined && kind !== 'inquiry') world.record('dispute', intent, dispute.amount, charge.id)
  world.emit('charge.dispute.created', dispute)
  if (kind !== 'inquiry') world.emit('charge.dispute.funds_withdrawn', dispute)
  return dispute
}

export function findDispute(world: World, id: string): Stripe.Dispute {
  const found = world.disputes.get(id)
  if (found === undefined) throw missing('dispute', id, 'dispute')
  return found
}

const isOver = ({ status }: Stripe.Dispute): boolean => ['won', 'lost', 'warning_closed'].includes(status)

export const disputeUpdateRules = hash({
  evidence: hash({
    ...Object.fromEntries(evidenceNames.map(name => [name, text])),
    enhanced_evidence: anything,
    uncategorized_text: text,
  }),
  expand: texts,
  metadata,
  submit: flag,
})

/** The texts "winning_evidence" and "losing_evidence" decide a test dispute. */
export function updateDispute(
  world: World,
  dispute: Stripe.Dispute,
  params: ReturnType<typeof disputeUpdateRules>,
): Stripe.Dispute {
  if (isOver(dispute)) throw invalid('This dispute is already closed.', { code: 'status_transition_invalid' })
  dispute.metadata = mergedMetadata(dispute.metadata, params.metadata)
  if (params.evidence !== undefined) {
    Object.assign(dispute.evidence, params.evidence)
    dispute.evidence_details.has_evidence = true
    if (params.submit !== false) {
      dispute.evidence_details.submission_count += 1
      dispute.status = dispute.status.startsWith('warning') ? 'warning_under_review' : 'under_review'
    }
  }
  world.emit('charge.dispute.updated', dispute)
  const words = params.submit === false ? null : params.evidence?.uncategorized_text
  if (words === 'winning_evidence') end(world, dispute, 'won')
  if (words === 'losing_evidence') end(world, dispute, 'lost')
  return dispute
}

/** Closes a dispute that the shop accepts. */
export function closeDispute(world: World, dispute: Stripe.Dispute): Stripe.Dispute {
  if (isOver(dispute)) throw invalid('This dispute is already closed.', { code: 'status_transition_invalid' })
  end(world, dispute, 'lost')
  return dispute
}

function end(world: World, dispute: Stripe.Dispute, result: 'won' | 'lost'): void {
  const isInquiry = dispute.status.startsWith('warning')
  dispute.status = isInquiry ? 'warning_closed' : result
  world.emit('charge.dispute.closed', dispute)
  if (isInquiry || result === 'lost') return
  const intent = world.intents.get(String(dispute.payment_intent))?.intent
  if (intent !== undefined) world.record('dispute_won', intent, dispute.amount, String(dispute.charge))
  world.emit('charge.dispute.funds_reinstated', dispute)
}
