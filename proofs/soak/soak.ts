/** `npm run prove:soak`: real servers, database, and gateway under disturbances for minutes, then the audit. */
import { endedAs, refusalsOf } from '../buyers/endings.ts'
import { choice, decimal, seed, wholeNumber } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { countsByName, outOf, type SummaryRow, summary } from '../command/summary.ts'
import { withDirectory } from '../command/temporary.ts'
import type { Finding } from './comparison.ts'
import type { SoakFacts } from './facts.ts'
import type { Books, GatewayName } from './gateway.ts'
import { createProgress } from './progress.ts'
import { proveSoak } from './prove-soak.ts'
import { wrongIn } from './verdict.ts'

const namedMax = 10

const titles: Readonly<Record<GatewayName, string>> = {
  sandbox: 'the sandbox gateway',
  stripe: 'Stripe’s simulator by its SDK',
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)
const wrongOf = ({ wrong, of }: Finding) => outOf(wrong.length, of)

/** Counts of what happened. */
function events(facts: SoakFacts): SummaryRow[] {
  const { records, checkouts } = facts
  const refusals = refusalsOf(records)
  const killed =
    (facts.disturbances['server killed'] ?? 0) + facts.processes * (facts.disturbances['all servers killed'] ?? 0)
  return [
    ['servers killed (SIGKILL)', killed],
    ['disturbances', sum(facts.disturbances)],
    ...countsByName(facts.disturbances),
    ['calls to the gateway', sum(facts.calls)],
    ['  of them with faults', sum(facts.faults)],
    ...countsByName(facts.faults),
    ['webhooks', sum(facts.webhooks)],
    ...countsByName(facts.webhooks),
    ...(sum(facts.confirmations) === 0 ? [] : [['confirmations', sum(facts.confirmations)] as const]),
    ...countsByName(facts.confirmations),
    ['', ''],
    ['checkouts started', checkouts.started],
    ['  completed', checkouts.completed],
    ['  failed, everything undone', checkouts.failed],
    ['  resumed by a later visit', checkouts.carriedOn],
    ['payments sent, including repetitions', records.reduce((total, { payments }) => total + payments, 0)],
    ['lost answers', records.reduce((total, { lostAnswers }) => total + lostAnswers, 0)],
    ['acknowledged to a buyer', endedAs(records, 'ordered') + sum(refusals)],
    ['  orders', endedAs(records, 'ordered')],
    ...countsByName(refusals),
    ['buyers who left without an answer', endedAs(records, 'left')],
    ['events delivered more than once', facts.redelivered],
    ['server errors while the database was unreachable', facts.errors.explained],
    ['alerts about rollbacks while the gateway failed', facts.errors.alerts],
    ...leftovers(facts.books),
  ]
}

function leftovers({ leftovers }: Books): SummaryRow[] {
  if (leftovers.length === 0) return []
  const named = leftovers.slice(0, namedMax).map(one => [`  ${one}`, ''] as const)
  return [['payments created but never confirmed; they hold no money', leftovers.length], ...named]
}

/** Counts that must be zero, each with its total. */
function zeros(facts: SoakFacts): SummaryRow[] {
  const { records, contradictions, comparison, books, checkouts, audit, errors, forged } = facts
  return [
    ['lost acknowledgements', outOf(contradictions.lostAcknowledgements.length, endedAs(records, 'ordered'))],
    ['refused, but sold or charged', outOf(contradictions.brokenRefusals.length, sum(refusalsOf(records)))],
    ['cancelled, but sold or charged', wrongOf(comparison.brokenCancellations)],
    ['charged without a request', wrongOf(comparison.unrequested)],
    ['charged without a paid order', outOf(contradictions.chargedWithoutOrder.length, checkouts.started)],
    ['carts bought twice', outOf(contradictions.boughtTwice.length, checkouts.started)],
    ['stock oversold', wrongOf(comparison.oversold)],
    ['coupons redeemed over their limit', wrongOf(comparison.overRedeemed)],
    ['orders refunded with a wrong amount', wrongOf(comparison.wrongRefunds)],
    ['results that reached no listener', wrongOf(comparison.undelivered)],
    ['forged webhooks accepted', outOf(forged.accepted ?? 0, sum(forged))],
    ...Object.entries(books.findings).map(([what, finding]) => [what, wrongOf(finding)] as const),
    ['violations', outOf(audit.violations, audit.checkouts)],
    ['checkouts not converged', outOf(checkouts.open, checkouts.started)],
    ['unexpected errors in the servers’ logs', errors.unexpected.length + errors.surprises.length],
  ]
}

function textOf(facts: SoakFacts, wrong: readonly string[]): string {
  const { processes, buyers, audit } = facts
  return summary(
    `PostgreSQL, ${processes} server${processes === 1 ? '' : 's'}, ${titles[facts.gateway]}, ${buyers} concurrent buyers`,
    [
      ...events(facts),
      ['', ''],
      ...zeros(facts),
      ['', ''],
      ['seconds', facts.seconds.toFixed(1)],
      ['  of them to drain', facts.drainSeconds.toFixed(1)],
      ['seed', facts.seed],
    ],
    [
      ...wrong,
      ...audit.findings.flatMap(({ invariant, examples }) => examples.map(example => `${invariant}  ${example}`)),
    ],
  )
}

await runProof({
  command: 'npm run prove:soak --',
  options: {
    minutes: decimal('M', 'minutes of load and disturbances, before recovery and audit', {
      ...{ min: 0.5, max: 1_440, fallback: 5 },
    }),
    processes: wholeNumber('N', 'servers on the one database', { max: 16, fallback: 3 }),
    gateway: choice('the sandbox, or the official SDK of Stripe and its simulator', ['sandbox', 'stripe'], 'sandbox'),
    buyers: wholeNumber('N', 'concurrent buyers', { max: 1_000, fallback: 14 }),
    seed: seed('repeat the random choices of a run'),
  },
  async run(options) {
    const facts = await withDirectory(directory =>
      proveSoak({ ...options, directory, progress: createProgress(process.stderr) }),
    )
    const wrong = wrongIn(facts)
    const { records, ...rest } = facts
    const endings = {
      orders: endedAs(records, 'ordered'),
      refusals: refusalsOf(records),
      left: endedAs(records, 'left'),
      unanswered: endedAs(records, 'unanswered'),
    }
    return { report: { ...rest, endings, wrong }, text: textOf(facts, wrong), holds: wrong.length === 0 }
  },
})
