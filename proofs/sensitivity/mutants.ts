/** All mutants: the defences that are removed one by one. */
import type { Mutant } from './mutant.ts'
import { eventMutants } from './mutants/events.ts'
import { leaseMutants } from './mutants/leases.ts'
import { lockMutants } from './mutants/locks.ts'
import { moneyMutants } from './mutants/money.ts'
import { reconciliationMutants } from './mutants/reconciliation.ts'
import { stockMutants } from './mutants/stock.ts'
import { stripeMutants } from './mutants/stripe.ts'

export const mutants: readonly Mutant[] = [
  ...leaseMutants,
  ...moneyMutants,
  ...stockMutants,
  ...lockMutants,
  ...eventMutants,
  ...reconciliationMutants,
  ...stripeMutants,
]
