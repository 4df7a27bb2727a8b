/**
 * The states of a checkout, its phases, and the one table of legal edges between states.
 * Protects invariant A7: every recorded transition is an edge of this table. The same table stands as a
 * constraint on `holdfast.transitions`; a test compares the two.
 */

/** Where a checkout can rest between two transactions. `checkouts.state` is always one of these. */
export const restingStates = [
  'pending',
  'authorizing',
  'awaiting_action',
  'capturing',
  'awaiting_capture',
  'rolling_back',
  'completed',
  'failed',
] as const
export type RestingState = (typeof restingStates)[number]

/** States passed inside one transaction; they appear in the history, never in `checkouts.state`. */
export const passingStates = ['validating', 'reserving', 'locking_prices', 'creating_order', 'committing'] as const
export type PassingState = (typeof passingStates)[number]

export type CheckoutState = RestingState | PassingState

/** The seven phases in the order in which they run. Rollback visits them in reverse. */
export const phaseNames = [
  'cart_validation',
  'inventory_reservation',
  'price_lock',
  'payment_authorization',
  'order_creation',
  'payment_capture',
  'stock_commit',
] as const
export type PhaseName = (typeof phaseNames)[number]

/** Legal edges, from state to states. `start` stands for "no checkout yet". */
export const edges: Readonly<Record<CheckoutState | 'start', readonly CheckoutState[]>> = {
  start: ['pending'],
  pending: ['validating', 'failed'],
  validating: ['reserving', 'failed'],
  reserving: ['locking_prices', 'failed'],
  locking_prices: ['authorizing', 'failed'],
  authorizing: ['creating_order', 'awaiting_action', 'rolling_back'],
  awaiting_action: ['authorizing', 'rolling_back'],
  creating_order: ['capturing', 'awaiting_capture'],
  awaiting_capture: ['capturing', 'rolling_back'],
  capturing: ['committing', 'rolling_back'],
  committing: ['completed'],
  rolling_back: ['failed'],
  completed: [],
  failed: [],
}

const phaseOfState: Readonly<Record<CheckoutState, PhaseName | null>> = {
  pending: null,
  validating: 'cart_validation',
  reserving: 'inventory_reservation',
  locking_prices: 'price_lock',
  authorizing: 'payment_authorization',
  awaiting_action: 'payment_authorization',
  creating_order: 'order_creation',
  awaiting_capture: 'payment_capture',
  capturing: 'payment_capture',
  committing: 'stock_commit',
  rolling_back: null,
  completed: null,
  failed: null,
}

const stateNames: Readonly<Record<CheckoutState, string>> = {
  pending: 'Started',
  validating: 'Validating cart',
  reserving: 'Reserving stock',
  locking_prices: 'Locking prices',
  authorizing: 'Authorizing payment',
  awaiting_action: 'Waiting for the buyer',
  creating_order: 'Creating order',
  awaiting_capture: 'Waiting for capture',
  capturing: 'Capturing payment',
  committing: 'Committing stock',
  rolling_back: 'Rolling back',
  completed: 'Completed',
  failed: 'Failed',
}

/** The phase a checkout in this state is in; null where it is in none (before, after, or rolling back). */
export function phaseOf(state: CheckoutState): PhaseName | null {
  return phaseOfState[state]
}

/** The name of a state for people: "Reserving stock". */
export function stateName(state: CheckoutState): string {
  return stateNames[state]
}

/** True when nothing will ever move this checkout again. */
export function isFinal(state: CheckoutState): state is 'completed' | 'failed' {
  return state === 'completed' || state === 'failed'
}

/** True when the table has this edge. */
export function isLegalEdge(from: CheckoutState | 'start', to: CheckoutState): boolean {
  return edges[from].includes(to)
}
