/** `npm run prove:soak`: real servers, database and gateway, disturbed in every way for minutes, then the reckoning. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, UsageError, wholeNumber, withDirectory } from '../command.ts'
import type { SoakFacts } from './facts.ts'
import type { Books, GatewayName } from './gateway.ts'
import { createProgress } from './progress.ts'
import { proveSoak } from './prove-soak.ts'
import type { Finding } from './reckoning.ts'
import { endedAs, refusalsOf, wrongIn } from './verdict.ts'

const usage = `usage: npm run prove:soak -- [options]
  --minutes M     of load and disturbance, from 0.5 (default 5); recovery and audit come on top
  --processes N   servers on the one database (default 3)
  --gateway G     sandbox (default), or stripe: its official SDK against its simulator
  --buyers N      at once (default 14)
  --seed S        repeats the random choices (default: another each time)
  --json          for programs
`
const minutesMax = 1_440
const namedMax = 10

function minutesOf(given: string | undefined): number {
  const minutes = Number(given ?? 5)
  if (minutes >= 0.5 && minutes <= minutesMax) return minutes
  throw new UsageError(`--minutes is a number from 0.5 to ${minutesMax}.`)
}

function gatewayOf(given = 'sandbox'): GatewayName {
  if (given === 'sandbox' || given === 'stripe') return given
  throw new UsageError('--gateway is sandbox or stripe.')
}

const titles: Readonly<Record<GatewayName, string>> = {
  sandbox: 'a gateway of its own',
  stripe: 'Stripe’s simulator by its SDK',
}

type Rows = (readonly [string, string | number])[]

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)
const each = (counts: Record<string, number>): Rows =>
  Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => [`  ${kind}`, count] as const)
const wrongOf = ({ wrong, of }: Finding) => outOf(wrong.length, of)

/** What happened. */
function events(facts: SoakFacts): Rows {
  const { records, checkouts } = facts
  const refusals = refusalsOf(records)
  const killed =
    (facts.disturbances['server killed'] ?? 0) + facts.processes * (facts.disturbances['all servers killed'] ?? 0)
  return [
    ['servers killed (SIGKILL)', killed],
    ['disturbances', sum(facts.disturbances)],
    ...each(facts.disturbances),
    ['calls to the gateway', sum(facts.calls)],
    ['  of them gone wrong', sum(facts.faults)],
    ...each(facts.faults),
    ['webhooks', sum(facts.webhooks)],
    ...each(facts.webhooks),
    ...(sum(facts.confirmations) === 0 ? [] : [['confirmations', sum(facts.confirmations)] as const]),
    ...each(facts.confirmations),
    ['', ''],
    ['checkouts started', checkouts.started],
    ['  completed', checkouts.completed],
    ['  failed, everything undone', checkouts.failed],
    ['  carried on by a later visit', checkouts.carriedOn],
    ['payments sent, repetitions included', records.reduce((total, { payments }) => total + payments, 0)],
    ['answers lost on the way', records.reduce((total, { lostAnswers }) => total + lostAnswers, 0)],
    ['acknowledged to a buyer', endedAs(records, 'ordered') + sum(refusals)],
    ['  orders', endedAs(records, 'ordered')],
    ...each(refusals),
    ['buyers who left without an answer', endedAs(records, 'left')],
    ['events heard again', facts.heardAgain],
    ['errors of the servers while cut off from the database', facts.errors.explained],
    ['rollbacks that called for attention, as the gateway failed', facts.errors.alerts],
    ...leftovers(facts.books),
  ]
}

function leftovers({ leftovers }: Books): Rows {
  if (leftovers.length === 0) return []
  const named = leftovers.slice(0, namedMax).map(one => [`  ${one}`, ''] as const)
  return [['payments begun and never confirmed: they hold no money', leftovers.length], ...named]
}

/** What must be zero, and of how many. */
function zeros(facts: SoakFacts): Rows {
  const { records, contradictions, reckoning, books, checkouts, audit, errors, forged } = facts
  return [
    ['lost acknowledgements', outOf(contradictions.lostAcknowledgements.length, endedAs(records, 'ordered'))],
    ['refused, but sold or charged', outOf(contradictions.brokenRefusals.length, sum(refusalsOf(records)))],
    ['cancelled, but sold or charged', wrongOf(reckoning.cancelledInVain)],
    ['charged without asking', wrongOf(reckoning.unasked)],
    ['charged without a paid order', outOf(contradictions.chargedWithoutOrder.length, checkouts.started)],
    ['carts bought twice', outOf(contradictions.boughtTwice.length, checkouts.started)],
    ['stock oversold', wrongOf(reckoning.oversold)],
    ['coupons redeemed over their limit', wrongOf(reckoning.overRedeemed)],
    ['orders not refunded as promised', wrongOf(reckoning.wrongRefunds)],
    ['ends that no listener heard', wrongOf(reckoning.unheard)],
    ['forged webhooks accepted', outOf(forged.accepted ?? 0, sum(forged))],
    ...Object.entries(books.findings).map(([what, finding]) => [what, wrongOf(finding)] as const),
    ['violations', outOf(audit.violations, audit.checkouts)],
    ['not converged', outOf(checkouts.open, checkouts.started)],
    ['unexpected errors of the servers', errors.unexpected.length + errors.surprises.length],
  ]
}

function text(facts: SoakFacts, wrong: readonly string[]): string {
  const { processes, buyers, audit } = facts
  return describe(
    `PostgreSQL, ${processes} server${processes === 1 ? '' : 's'}, ${titles[facts.gateway]}, ${buyers} buyers at once`,
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

await runProof(usage, async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      processes: { type: 'string' },
      gateway: { type: 'string' },
      buyers: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const options = {
    minutes: minutesOf(values.minutes),
    gateway: gatewayOf(values.gateway),
    processes: wholeNumber('processes', values.processes, 3, 16),
    buyers: wholeNumber('buyers', values.buyers, 14, 1_000),
    seed: wholeNumber('seed', values.seed, 1 + Math.floor(Math.random() * 999_999), 4_294_967_295),
  }
  const facts = await withDirectory(directory =>
    proveSoak({ ...options, directory, progress: createProgress(process.stderr) }),
  )
  const wrong = wrongIn(facts)
  const { records, ...rest } = facts
  const told = {
    orders: endedAs(records, 'ordered'),
    refusals: refusalsOf(records),
    left: endedAs(records, 'left'),
    unanswered: endedAs(records, 'unanswered'),
  }
  return {
    text: values.json === true ? `${JSON.stringify({ ...rest, told, wrong }, null, 2)}\n` : text(facts, wrong),
    holds: wrong.length === 0,
  }
})
