/**
 * Compares Stripe's books with the shop's database: A2 to A4, B2, and B3 for a provider without a ledger that the audit
 * can read. Call it after everything has drained and the books are copied.
 */
import { type Database, statement } from '../../../packages/holdfast/src/database/database.ts'
import type { Books } from '../gateway.ts'

interface Comparison {
  /** Counts the checked items. */
  of: ReturnType<typeof statement>
  wrong: ReturnType<typeof statement>
}

const isConfirmed = `(p.authorized_minor > 0 or p.stripe_status in ('requires_action', 'processing', 'requires_capture', 'succeeded'))`
const isKept = `exists (select from holdfast.payment_operations o where o.checkout_id = p.checkout_id
  and o.kind = 'authorize' and o.gateway = 'stripe' and o.reference = p.id)`

const comparisons: Readonly<Record<string, Comparison>> = {
  'payments at Stripe that differ from their checkouts': {
    of: statement('soak_stripe_checkouts', `select count(*) as count from holdfast.checkouts`),
    wrong: statement(
      'soak_stripe_unlike',
      `select format('checkout %s is %s with a total of %s; at Stripe %s are open, %s captured, %s refunded', c.id, c.state,
         c.total_minor, p.open, p.captured, p.refunded) as text
       from holdfast.checkouts c cross join lateral (
         select coalesce(sum(open_minor), 0) as open, coalesce(sum(captured_minor), 0) as captured,
           coalesce(sum(refunded_minor), 0) as refunded, count(*) filter (where currency <> c.currency and authorized_minor > 0) as foreign
         from soak.payments where checkout_id = c.id) as p
       where p.open <> 0 or p.foreign > 0 or p.refunded > p.captured
         or (c.state = 'completed' and p.captured <> c.total_minor) or (c.state = 'failed' and p.captured <> p.refunded)`,
    ),
  },
  'payments confirmed before their ID was stored': {
    of: statement('soak_stripe_confirmed', `select count(*) as count from soak.payments p where ${isConfirmed}`),
    wrong: statement(
      'soak_stripe_unkept',
      `select format('payment %s of checkout %s is %s and its ID was never stored', p.id, p.checkout_id, p.stripe_status) as text
       from soak.payments p where ${isConfirmed} and not ${isKept}`,
    ),
  },
  'money moved at Stripe without an operation': {
    of: statement('soak_stripe_effects', `select count(*) as count from soak.effects`),
    wrong: statement(
      'soak_stripe_unasked',
      // An effect by the buyer or by time has no key; its payment must be known to the shop.
      `select format('%s of %s on payment %s of checkout %s for the operation %s', e.kind, e.amount_minor, e.payment_id,
         e.checkout_id, coalesce(e.operation, 'none')) as text
       from soak.effects e left join soak.payments p on p.id = e.payment_id
       where p.id is null or not ${isKept} or (e.operation is not null and not exists (
         select from holdfast.payment_operations o where o.checkout_id = p.checkout_id and o.gateway = 'stripe'
           and o.idempotency_key = e.operation and o.kind = case e.kind when 'release' then 'void' else e.kind end))`,
    ),
  },
  'operations with more than one effect at Stripe': {
    of: statement('soak_stripe_operations', `select count(*) as count from holdfast.payment_operations`),
    wrong: statement(
      'soak_stripe_twice',
      `select format('%s of payment %s happened %s times', e.kind, e.payment_id, count(*)) as text from soak.effects e
       where e.kind in ('authorize', 'capture', 'release') group by e.kind, e.payment_id having count(*) > 1
       union all
       select format('operation %s was executed %s times', o.idempotency_key, count(*)) from holdfast.payment_operations o
       join soak.effects e on e.operation = o.idempotency_key
       group by o.idempotency_key having count(*) > 1`,
    ),
  },
}

const findLeftovers = statement(
  'soak_stripe_leftovers',
  `select format('%s of checkout %s, %s', p.id, p.checkout_id, p.stripe_status) as text from soak.payments p
   where p.stripe_status in ('requires_payment_method', 'requires_confirmation') and p.authorized_minor = 0 order by p.id`,
)

export async function compareBooks(database: Database): Promise<Pick<Books, 'findings' | 'leftovers'>> {
  const texts = async (finding: ReturnType<typeof statement>) =>
    (await database.query<{ text: string }>(finding)).map(({ text }) => text)
  const findings: Books['findings'] = {}
  for (const [what, { of, wrong }] of Object.entries(comparisons)) {
    const [counted] = await database.query<{ count: number }>(of)
    findings[what] = { of: counted?.count ?? 0, wrong: await texts(wrong) }
  }
  return { findings, leftovers: await texts(findLeftovers) }
}
