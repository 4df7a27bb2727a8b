/** The subject of a fault, and its effect on the parameters of a request. */

import type { FormFields, FormValue } from '../api/form.ts'
import type { World } from '../world/world.ts'
import type { StripeFault, StripeOperation } from './faults.ts'

const textOf = (value: FormValue | undefined): string | null => (typeof value === 'string' ? value : null)

/** The intent that a request names in its path or its parameters, directly or by its charge. */
function intentOf(world: World, pathId: string, form: FormFields) {
  const named = world.intents.get(pathId) ?? world.intents.get(textOf(form.payment_intent) ?? '')
  if (named !== undefined) return named.intent
  const charge = world.charges.get(textOf(form.charge) ?? pathId)
  return charge === undefined ? undefined : world.intents.get(String(charge.payment_intent))?.intent
}

export function checkoutOf(world: World, pathId: string, form: FormFields): string | null {
  const { metadata } = form
  const given = typeof metadata === 'object' ? textOf(metadata.checkout_id) : null
  return given ?? intentOf(world, pathId, form)?.metadata.checkout_id ?? null
}

/** The parameters with a different amount or currency; null if they stay the same. */
export function alteredForm(
  world: World,
  operation: StripeOperation,
  pathId: string,
  form: FormFields,
  fault: StripeFault,
): FormFields | null {
  if (fault.kind === 'other_currency') return operation === 'create' ? { ...form, currency: fault.currency } : null
  if (fault.kind !== 'other_amount') return null
  const intent = intentOf(world, pathId, form)
  const changed = (name: string, asked: number, byMinor: number) => ({ ...form, [name]: String(asked + byMinor) })
  switch (operation) {
    case 'create':
      return changed('amount', Number(textOf(form.amount)), fault.byMinor ?? 1)
    case 'capture':
      return changed(
        'amount_to_capture',
        Number(textOf(form.amount_to_capture) ?? intent?.amount_capturable ?? 0),
        fault.byMinor ?? -1,
      )
    case 'refund':
      return changed('amount', Number(textOf(form.amount) ?? intent?.amount_received ?? 0), fault.byMinor ?? -1)
    default:
      return null
  }
}
