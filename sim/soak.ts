/** `npm run prove:soak`: real servers, database and gateway, disturbed in every way for minutes, then the reckoning. */
import { parseArgs } from 'node:util'
import { describe, outOf, runProof, UsageError, wholeNumber, withDirectory } from './command.ts'
import { createProgress } from './soak/progress.ts'
import { proveSoak, type SoakFacts } from './soak/prove-soak.ts'
import type { Finding } from './soak/reckoning.ts'
import { endedAs, refusalsOf, wrongIn } from './soak/verdict.ts'

const usage = `usage: npm run prove:soak -- [options]
  --minutes M     of load and disturbance, from 0.5 (default 5); recovery and audit come on top
  --processes N   servers on the one database (default 3)
  --buyers N      at once (default 14)
  --seed S        repeats the random choices (default: another each time)
  --json          for programs
`
const minutesMax = 1_440

function minutesOf(given: string | undefined): number {
  const minutes = Number(given ?? 5)
  if (minutes >= 0.5 && minutes <= minutesMax) return minutes
  throw new UsageError(`--minutes is a number from 0.5 to ${minutesMax}.`)
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
  ]
}

/** What must be zero, and of how many. */
function zeros(facts: SoakFacts): Rows {
  const { records, contradictions, reckoning, checkouts, audit, errors, forged } = facts
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
    ['violations', outOf(audit.violations, audit.checkouts)],
    ['not converged', outOf(checkouts.open, checkouts.started)],
    ['unexpected errors of the servers', errors.unexpected.length + errors.surprises.length],
  ]
}

function text(facts: SoakFacts, wrong: readonly string[]): string {
  const { processes, buyers, audit } = facts
  return describe(
    `PostgreSQL, ${processes} server${processes === 1 ? '' : 's'}, a gateway of its own, ${buyers} buyers at once`,
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
      buyers: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return { text: usage, holds: true }
  const options = {
    minutes: minutesOf(values.minutes),
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
