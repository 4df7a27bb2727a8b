/** Form fields of a person and an address, with autocomplete tokens for browsers. */

import type { PresentedCart } from 'holdfast/http'
import { html } from 'hono/html'
import type { Copy } from '../copy/copy.ts'
import { countries } from '../countries.ts'
import type { Markup } from './layout.ts'

interface FieldOptions {
  size?: 'half' | 'third' | 'two-thirds'
  autocomplete: string
  type?: string
  optional?: boolean
}

export function field(
  { checkout }: Copy,
  name: string,
  label: string,
  value: string | null,
  { size, autocomplete, type = 'text', optional = false }: FieldOptions,
): Markup {
  return html`<div class="${size ?? ''}"><label for="${name}">${label}${optional ? html` <span class="soft">${checkout.optional}</span>` : ''}</label>
    <input id="${name}" name="${name}" type="${type}" value="${value ?? ''}" autocomplete="${autocomplete}" maxlength="200" ${optional ? '' : 'required'}></div>`
}

export function addressFields(
  copy: Copy,
  scope: 'shipping_address' | 'billing_address',
  address: PresentedCart['shipping_address'],
): Markup {
  const { checkout: text, locale } = copy
  const kind = scope === 'shipping_address' ? 'shipping' : 'billing'
  const chosen = address?.country ?? ''
  const input = (name: string, label: string, value: string | null | undefined, options: FieldOptions) =>
    field(copy, `${scope}.${name}`, label, value ?? null, {
      ...options,
      autocomplete: `${kind} ${options.autocomplete}`,
    })
  return html`
    ${input('first_name', text.firstName, address?.first_name, { size: 'half', autocomplete: 'given-name' })}
    ${input('last_name', text.lastName, address?.last_name, { size: 'half', autocomplete: 'family-name' })}
    ${input('line_one', text.lineOne, address?.line_one, { autocomplete: 'address-line1' })}
    ${input('line_two', text.lineTwo, address?.line_two, { autocomplete: 'address-line2', optional: true })}
    ${input('postcode', text.postcode, address?.postcode, { size: 'third', autocomplete: 'postal-code' })}
    ${input('city', text.city, address?.city, { size: 'two-thirds', autocomplete: 'address-level2' })}
    <div class="half"><label for="${scope}.country">${text.country}</label><select id="${scope}.country" name="${scope}.country" autocomplete="${kind} country" required>
      <option value="">${text.chooseCountry}</option>${countries(locale.language).map(({ code, name }) => html`<option value="${code}" ${code === chosen ? 'selected' : ''}>${name}</option>`)}</select></div>
    ${input('state', text.state, address?.state, { size: 'half', autocomplete: 'address-level1', optional: true })}`
}
