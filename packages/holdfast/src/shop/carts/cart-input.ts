/** What callers put into carts, checked before the database sees it; a refusal says what would be right. */
import { isCountry, validateAddress } from '../../domain/address.ts'
import type { Address } from '../../domain/cart.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { isCurrency } from '../../domain/money.ts'

const quantityMax = 9_999
const linesMax = 500
const idMax = 200
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function refuse(message: string, context: Record<string, unknown>): CheckoutError {
  return new CheckoutError('invalid_argument', message, { context })
}

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/** A session or user id: any text of 1 to 200 characters. */
export function checkId(name: string, id: string): string {
  if (typeof id !== 'string' || id === '' || id.length > idMax || id.includes('\0')) {
    throw refuse(`The ${name} must be a text of 1 to ${idMax} characters.`, { argument: name })
  }
  return id
}

export function checkCurrency(currency: string): string {
  if (!isCurrency(currency)) {
    throw refuse('The currency must be a code of ISO 4217 in capitals, such as USD.', { currency })
  }
  return currency
}

export function checkQuantity(quantity: number): number {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > quantityMax) {
    throw quantityRefusal(quantity)
  }
  return quantity
}

export function quantityRefusal(quantity: unknown): CheckoutError {
  return refuse(`A line has 1 to ${quantityMax} whole units; ask for fewer, or remove the line.`, {
    quantity,
    quantityMax,
  })
}

export function unknownSku(skus: readonly string[]): CheckoutError {
  return new CheckoutError(
    'variant_unavailable',
    `${skus.map(sku => `"${sku}"`).join(', ')} cannot be bought here; choose another article.`,
    { context: { sku: skus[0], skus } },
  )
}

export function checkSku(sku: string): string {
  if (typeof sku !== 'string' || sku === '' || sku.length > 255 || sku.includes('\0')) {
    throw refuse('The SKU must be a text of 1 to 255 characters.', {})
  }
  return sku
}

/** The lines of a new cart; the same SKU twice adds up. */
export function checkLines(lines: readonly { sku: string; quantity: number }[]): Map<string, number> {
  if (lines.length > linesMax) throw refuse(`A cart has at most ${linesMax} lines.`, { lines: lines.length })
  const quantities = new Map<string, number>()
  for (const { sku, quantity } of lines) {
    checkQuantity(quantity)
    quantities.set(checkSku(sku), checkQuantity((quantities.get(sku) ?? 0) + quantity))
  }
  return quantities
}

/** An address for a form's first look: it may be unfinished until the checkout asks for all of it. */
export function checkEmail(email: string): string {
  const trimmed = typeof email === 'string' ? email.trim() : ''
  if (trimmed.length > 254 || !/^[^\s@<>"(),:;\\[\]]+@[^\s@<>"(),:;\\[\]]+$/.test(trimmed)) {
    throw refuse('The email address must look like name@example.com.', { argument: 'email' })
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

/** The address with its texts trimmed, its country in capitals and nothing else in it. */
export function checkAddress(name: 'shippingAddress' | 'billingAddress', address: Address): Address {
  const entries: [string, string][] = []
  for (const field of addressFields) {
    const value = address[field]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string')
      throw refuse(`The ${field} of an address is a text.`, { argument: name, fields: [field] })
    const text = field === 'country' ? value.trim().toUpperCase() : value.trim()
    if (text !== '') entries.push([field, text])
  }
  const clean = Object.fromEntries(entries) as unknown as Address
  const wrong = validateAddress(clean)
  if (wrong.length > 0) {
    const hint =
      wrong.includes('country') && !isCountry(clean.country) ? '; the country is a code such as US or DE' : ''
    throw new CheckoutError('address_invalid', `The address is not complete: check ${wrong.join(', ')}${hint}.`, {
      context: { argument: name, fields: wrong },
    })
  }
  return clean
}
