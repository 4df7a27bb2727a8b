/** The verdict on a soak: sentences about failures of the shop, and about required events that never occurred. */
import { endedAs, refusalsOf } from '../buyers/endings.ts'
import type { SoakFacts } from './facts.ts'

/** Refusals that tokens, faults, stock, coupons, cancellation, and expiry can cause. Any other refusal is a failure. */
const explained = new Set([
  ...['payment_declined', 'capture_refused', 'payment_unsettled', 'payment_mismatch'],
  ...['authorization_ended'],
  ...['insufficient_stock', 'coupon_exhausted', 'checkout_expired', 'checkout_cancelled'],
])

/** The share of buyers that may never reach the shop, because all servers are killed now and then. */
const turnedAwayMax = 0.05

/** Required events that did not occur. */
function missing(facts: SoakFacts): string[] {
  const refusals = refusalsOf(facts.records)
  const { required } = facts
  const wanted: [string, Record<string, number>, readonly string[]][] = [
    ['disturbance', facts.disturbances, required.disturbances],
    ['fault of the gateway', facts.faults, required.faults],
    ['webhook', facts.webhooks, required.webhooks],
    ['forged webhook', facts.forged, required.forgeries],
    ['confirmation', facts.confirmations, required.confirmations],
    ['refusal', refusals, required.refusals],
  ]
  return wanted.flatMap(([what, counts, names]) =>
    names
      .filter(name => (counts[name] ?? 0) === 0)
      .map(name => `nothing is proven about the ${what} "${name}": it never occurred`),
  )
}

function byMessage(lines: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {}
  for (const line of lines) {
    const message = /"msg":"([^"]*)"/.exec(line)?.[1] ?? 'output outside the log'
    groups[message] = [...(groups[message] ?? []), line]
  }
  return groups
}

export function wrongIn(facts: SoakFacts): string[] {
  const { records, contradictions, comparison, checkouts, errors, forged } = facts
  const wrong: string[] = [...Object.values(contradictions).flat(), ...facts.clicks, ...facts.unresponsive]
  for (const finding of Object.values({ ...comparison, ...facts.books.findings })) wrong.push(...finding.wrong)
  if (facts.audit.violations > 0) wrong.push(`the audit found ${facts.audit.violations} violations`)
  if (checkouts.open > 0) wrong.push(`${checkouts.open} checkouts did not converge`)
  if (facts.parked > 0) wrong.push(`${facts.parked} deliveries were parked`)
  if ((forged.accepted ?? 0) > 0) wrong.push(`${forged.accepted} forged webhooks were accepted`)
  // Buyers without any answer before their first payment are tolerated if they are few.
  const unanswered = records.filter(({ ending }) => ending.kind === 'unanswered')
  const paid = unanswered.filter(({ payments }) => payments > 0).length
  if (paid > 0) wrong.push(`${paid} buyers never got a final answer`)
  if (unanswered.length - paid > records.length * turnedAwayMax) {
    wrong.push(`${unanswered.length - paid} of ${records.length} buyers could not start to pay`)
  }
  for (const [code, count] of Object.entries(refusalsOf(records))) {
    if (!explained.has(code)) wrong.push(`${count} buyers were refused with ${code}`)
  }
  const answers = records.flatMap(({ serverErrors }) => serverErrors)
  if (answers.length > 0) wrong.push(`${answers.length} answers of 500, the first: ${answers[0]}`)
  for (const [message, lines] of Object.entries(byMessage(errors.unexpected))) {
    wrong.push(`${lines.length} unexpected server errors "${message}", the first: ${lines[0]}`)
  }
  if (errors.surprises.length > 0) wrong.push(`a server exited by itself: ${errors.surprises[0]}`)
  if (endedAs(records, 'ordered') === 0) wrong.push('no order was completed, so nothing is proven')
  return [...wrong, ...missing(facts)]
}
