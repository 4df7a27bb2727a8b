/** Checks of cart input before it reaches the database. Each error says which input is accepted. */
import { isCountry, validateAddress } from '../../domain/address.ts'
import type { Address } from '../../domain/cart.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { invalidArgument } from '../catalog/check-arguments.ts'

const quantityMax = 9_999
const linesMax = 500
const idMax = 200

/** A session or user id: any text of 1 to 200 characters. */
export function checkId(name: string, id: string): string {
  if (typeof id !== 'string' || id === '' || id.length > idMax || id.includes('\0')) {
    throw invalidArgument(`The ${name} must be a text of 1 to ${idMax} characters.`, { argument: name })
  }
  return id
}

export function checkQuantity(quantity: number): number {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > quantityMax) throw invalidQuantity(quantity)
  return quantity
}

export function invalidQuantity(quantity: unknown): CheckoutError {
  return invalidArgument(
    `The quantity must be a whole number from 1 to ${quantityMax}. To buy none, remove the line.`,
    {
      quantity,
      quantityMax,
    },
  )
}

export function unavailableSkus(skus: readonly string[]): CheckoutError {
  const names = skus.map(sku => `"${sku}"`).join(', ')
  return new CheckoutError(
    'variant_unavailable',
    `${names} ${skus.length === 1 ? 'is' : 'are'} not available. Choose another product.`,
    { context: { sku: skus[0], skus } },
  )
}

export function checkSku(sku: string): string {
  if (typeof sku !== 'string' || sku === '' || sku.length > 255 || sku.includes('\0')) {
    throw invalidArgument('The SKU must be a text of 1 to 255 characters.', {})
  }
  return sku
}

/** Quantities by SKU for a new cart. Quantities of the same SKU are added. */
export function checkLines(lines: readonly { sku: string; quantity: number }[]): Map<string, number> {
  if (lines.length > linesMax) {
    throw invalidArgument(`A cart has at most ${linesMax} lines.`, { lines: lines.length })
  }
  const quantities = new Map<string, number>()
  for (const { sku, quantity } of lines) {
    checkQuantity(quantity)
    quantities.set(checkSku(sku), checkQuantity((quantities.get(sku) ?? 0) + quantity))
  }
  return quantities
}

/** A rough check while the buyer types; the checkout verifies the address again. */
export function checkEmail(email: string): string {
  const trimmed = typeof email === 'string' ? email.trim() : ''
  if (trimmed.length > 254 || !/^[^\s@<>"(),:;\\[\]]+@[^\s@<>"(),:;\\[\]]+$/.test(trimmed)) {
    throw invalidArgument('The email address must look like name@example.com.', { argument: 'email' })
  }
  return trimmed
}

const addressFields = [
  'firstName',
  'lastName',
  'lineOne',
  'lineTwo',
  'city',
  'state',
  'postcode',
  'country',
  'phone',
] as const satisfies readonly (keyof Address)[]

/**
 * The address with trimmed texts, an upper-case country, and no other fields.
 * @throws {CheckoutError} `address_invalid` with the names of the wrong fields, `invalid_argument`.
 */
export function checkAddress(name: 'shippingAddress' | 'billingAddress', address: Address): Address {
  const entries: [string, string][] = []
  for (const field of addressFields) {
    const value = address[field]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string') {
      throw invalidArgument(`The field ${field} of an address must be a text.`, { argument: name, fields: [field] })
    }
    const text = field === 'country' ? value.trim().toUpperCase() : value.trim()
    if (text !== '') entries.push([field, text])
  }
  const clean = Object.fromEntries(entries) as unknown as Address
  const wrong = validateAddress(clean)
  if (wrong.length > 0) {
    const hint =
      wrong.includes('country') && !isCountry(clean.country) ? ' The country is a two-letter code, such as US.' : ''
    throw new CheckoutError('address_invalid', `The address is incomplete. Check ${wrong.join(', ')}.${hint}`, {
      context: { argument: name, fields: wrong },
    })
  }
  return clean
}
