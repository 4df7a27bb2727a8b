/**
 * The states of a checkout, its phases, and the legal transitions. Protects A7: every recorded transition is an edge of
 * this table. The same table is a constraint on `holdfast.transitions`; a test compares the two.
 */

/** States in which a checkout rests between transactions. `checkouts.state` is always one of these. */
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
/** A state in which a checkout rests between transactions. */
export type RestingState = (typeof restingStates)[number]

/** States that a checkout passes within one transaction. They are in the history, never in `checkouts.state`. */
export const passingStates = ['validating', 'reserving', 'locking_prices', 'creating_order', 'committing'] as const
export type PassingState = (typeof passingStates)[number]

/** Every state that the history of a checkout can contain. */
export type CheckoutState = RestingState | PassingState

/** The seven phases in the order in which they run. A rollback undoes them in reverse order. */
export const phaseNames = [
  'cart_validation',
  'inventory_reservation',
  'price_lock',
  'payment_authorization',
  'order_creation',
  'payment_capture',
  'stock_commit',
] as const
/** The name of a phase. */
export type PhaseName = (typeof phaseNames)[number]

/** The legal transitions from each state. `start`: there is no checkout yet. */
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

/** The phase of a state. Null before the first phase, after the last, and while rolling back. */
export function phaseOf(state: CheckoutState): PhaseName | null {
  return phaseOfState[state]
}

/** The state as text for people: "Reserving stock". */
export function stateName(state: CheckoutState): string {
  return stateNames[state]
}

/** True for `completed` and `failed`: the state never changes again. */
export function isFinal(state: CheckoutState): state is 'completed' | 'failed' {
  return state === 'completed' || state === 'failed'
}
