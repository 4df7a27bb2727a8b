/** What the facts of a soak say against the shop, in sentences; and against the soak: where nothing happened, nothing is proven. */
import type { BuyerRecord } from '../buyers/buyer.ts'
import type { SoakFacts } from './facts.ts'

/** What tokens, faults, stock, coupon, cancelling and expiry may lead to; any other refusal is a fault of ours. */
const explained = new Set([
  ...['payment_declined', 'capture_refused', 'payment_unsettled', 'payment_mismatch'],
  ...['authorization_ended'],
  ...['insufficient_stock', 'coupon_exhausted', 'checkout_expired', 'checkout_cancelled'],
])

/** The share of buyers that may find the shop closed, so often are all of its servers killed. */
const turnedAwayMax = 0.05

export function refusalsOf(records: readonly BuyerRecord[]): Record<string, number> {
  const refusals: Record<string, number> = {}
  for (const { ending } of records) {
    if (ending.kind === 'refused') refusals[ending.code] = (refusals[ending.code] ?? 0) + 1
  }
  return refusals
}

export const endedAs = (records: readonly BuyerRecord[], kind: BuyerRecord['ending']['kind']): number =>
  records.filter(({ ending }) => ending.kind === kind).length

/** What did not happen, and should have. */
function missing(facts: SoakFacts): string[] {
  const refusals = refusalsOf(facts.records)
  const { promised } = facts
  const wanted: [string, Record<string, number>, readonly string[]][] = [
    ['disturbance', facts.disturbances, promised.disturbances],
    ['fault of the gateway', facts.faults, promised.faults],
    ['webhook', facts.webhooks, promised.webhooks],
    ['forged webhook', facts.forged, promised.forgeries],
    ['confirmation', facts.confirmations, promised.confirmations],
    ['refusal', refusals, promised.refusals],
  ]
  return wanted.flatMap(([what, counts, names]) =>
    names
      .filter(name => (counts[name] ?? 0) === 0)
      .map(name => `nothing is proven of the ${what} "${name}": there was none`),
  )
}

function byMessage(lines: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {}
  for (const line of lines) {
    const message = /"msg":"([^"]*)"/.exec(line)?.[1] ?? 'not of its log'
    groups[message] = [...(groups[message] ?? []), line]
  }
  return groups
}

export function wrongIn(facts: SoakFacts): string[] {
  const { records, contradictions, reckoning, checkouts, errors, forged } = facts
  const wrong: string[] = [...Object.values(contradictions).flat(), ...facts.clicks, ...facts.dumb]
  for (const finding of Object.values({ ...reckoning, ...facts.books.findings })) wrong.push(...finding.wrong)
  if (facts.audit.violations > 0) wrong.push(`the audit found ${facts.audit.violations} violations`)
  if (checkouts.open > 0) wrong.push(`${checkouts.open} checkouts did not come to an end`)
  if (facts.parked > 0) wrong.push(`${facts.parked} deliveries were given up`)
  if ((forged.accepted ?? 0) > 0) wrong.push(`${forged.accepted} forged webhooks were accepted`)
  // Who was never answered before paying anything has nothing to be told; at the end it must be the few.
  const unanswered = records.filter(({ ending }) => ending.kind === 'unanswered')
  const paid = unanswered.filter(({ payments }) => payments > 0).length
  if (paid > 0) wrong.push(`${paid} buyers never got a final answer`)
  if (unanswered.length - paid > records.length * turnedAwayMax) {
    wrong.push(`${unanswered.length - paid} of ${records.length} buyers never got so far as to pay`)
  }
  for (const [code, count] of Object.entries(refusalsOf(records))) {
    if (!explained.has(code)) wrong.push(`${count} buyers were refused with ${code}`)
  }
  const answers = records.flatMap(({ serverErrors }) => serverErrors)
  if (answers.length > 0) wrong.push(`${answers.length} answers of 500, the first: ${answers[0]}`)
  for (const [message, lines] of Object.entries(byMessage(errors.unexpected))) {
    wrong.push(`${lines.length} times an unexpected error of a server: ${message}, the first: ${lines[0]}`)
  }
  if (errors.surprises.length > 0) wrong.push(`a server ended by itself: ${errors.surprises[0]}`)
  if (endedAs(records, 'ordered') === 0) wrong.push('nobody bought anything: nothing is proven')
  return [...wrong, ...missing(facts)]
}
