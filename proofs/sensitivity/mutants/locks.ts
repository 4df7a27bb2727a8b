/** Defences by locks: one lock order, which rules out deadlocks, and decisions under a lock. */
import { type Backing, type Edit, inTest, type Mutant } from '../mutant.ts'

const inventory = 'packages/holdfast/src/phases/2-reserve-inventory.ts'
const coupons = 'packages/holdfast/src/phases/claim-coupons.ts'
const store = 'packages/holdfast/migrations/0001_store.sql'
const checkout = 'packages/holdfast/migrations/0002_checkout.sql'

const stockConstraint: Backing = {
  name: 'the constraint stock_is_never_oversold',
  edits: [
    {
      file: store,
      find: 'constraint stock_is_never_oversold check (0 <= reserved and reserved <= on_hand)',
      replace: 'constraint stock_is_never_oversold check (true)',
    },
  ],
}
const couponUnlocked: Edit = {
  file: coupons,
  find: 'select cart_id from holdfast.checkouts where id = any($1::uuid[])))))\n   order by id for update`',
  replace: 'select cart_id from holdfast.checkouts where id = any($1::uuid[])))))\n   order by id`',
}
const oneCheckoutACart: Backing = {
  name: 'the unique index one_checkout_per_cart',
  edits: [
    {
      file: checkout,
      find: 'create unique index one_checkout_per_cart',
      replace: 'create index one_checkout_per_cart',
    },
  ],
}

export const lockMutants: readonly Mutant[] = [
  {
    name: 'order of stock',
    without: 'locking stock rows in the order of their keys',
    edits: [
      {
        file: inventory,
        find: 'and location.active\n   order by s.variant_id, s.location_id for update of s',
        replace: 'and location.active\n   order by random() for update of s',
      },
    ],
    foundBy: { kind: 'lock order' },
  },
  {
    name: 'order of checkouts',
    without: 'locking checkouts in the order of their IDs',
    edits: [
      {
        file: 'packages/holdfast/src/database/checkouts.ts',
        find: 'where id = any($1::uuid[]) order by id for update',
        replace: 'where id = any($1::uuid[]) order by random() for update',
      },
    ],
    foundBy: { kind: 'lock order' },
  },
  {
    name: 'order of held stock',
    without: 'locking stock rows in the order of their keys when stock is sold or released',
    edits: [
      {
        file: inventory,
        find: "checkout_id = any($1::uuid[]) and state in ('held', 'firm'))\n   order by s.variant_id, s.location_id for update of s",
        replace: "checkout_id = any($1::uuid[]) and state in ('held', 'firm'))\n   order by random() for update of s",
      },
    ],
    foundBy: { kind: 'lock order' },
  },
  {
    name: 'stock before coupons',
    without: 'locking stock before coupons when a reservation is released',
    edits: [
      {
        file: inventory,
        find: '  releaseStock(tx, checkoutIds)\n  claimCoupons.undo(tx, checkoutIds)\n',
        replace: '  claimCoupons.undo(tx, checkoutIds)\n  releaseStock(tx, checkoutIds)\n',
      },
    ],
    foundBy: { kind: 'lock order' },
  },
  {
    name: 'stock under lock',
    without: 'locking stock before it is allocated',
    edits: [
      {
        file: inventory,
        find: 'and location.active\n   order by s.variant_id, s.location_id for update of s',
        replace: 'and location.active\n   order by s.variant_id, s.location_id',
      },
    ],
    foundBy: inTest('packages/holdfast/test/phases/2-reserve-inventory.test.ts', 'postgres.*the last unit'),
    backing: stockConstraint,
  },
  {
    name: 'coupon under lock',
    without: 'locking a coupon before its limit is checked',
    edits: [couponUnlocked],
    foundBy: inTest(
      'packages/holdfast/test/phases/2-reserve-inventory.test.ts',
      'postgres.*a coupon for the same customer',
    ),
  },
  {
    name: 'limit of a coupon',
    without: 'the database refusing claims beyond the limit of a coupon',
    edits: [
      {
        file: store,
        find: 'check (0 <= claimed and claimed <= coalesce(usage_limit, claimed))',
        replace: 'check (true)',
      },
    ],
    foundBy: inTest('packages/holdfast/test/phases/2-reserve-inventory.test.ts', 'postgres.*the last use of a coupon'),
    backing: { name: 'the lock on the coupon', edits: [couponUnlocked] },
  },
  {
    name: 'cart under lock',
    without: 'locking a cart before its checkout is checked',
    edits: [
      {
        file: 'packages/holdfast/src/saga/steps/start.ts',
        find: 'where c.id = any($1::text[]) order by c.id for update of c',
        replace: 'where c.id = any($1::text[]) order by c.id',
      },
    ],
    foundBy: inTest('packages/holdfast/test/saga/concurrency.test.ts', 'postgres.*concurrent starts in four processes'),
    backing: oneCheckoutACart,
  },
  {
    name: 'frozen cart',
    without: 'the database refusing changes of a cart that a checkout has locked',
    edits: [
      {
        file: checkout,
        find: "    if current_setting('holdfast.cart_protection', true) = 'off' then\n",
        replace: '    if true then\n',
      },
    ],
    foundBy: inTest('packages/holdfast/test/saga/steps/start.test.ts', 'postgres.*a locked cart cannot be changed'),
  },
]
