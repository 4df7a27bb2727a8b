// Shared by all pages: requests with the session's CSRF token, amounts, texts, and the cart count. Also the scripts of
// product and cart page.

const root = document.documentElement
const { currency, decimals } = root.dataset
const formatter = new Intl.NumberFormat(root.lang, {
  style: 'currency',
  currency,
  minimumFractionDigits: Number(decimals),
  maximumFractionDigits: Number(decimals),
})

const read = id => JSON.parse(document.getElementById(id).textContent)

/** The texts of the page, by script. */
const copy = read('copy')
const text = copy.store

/** Replaces `{name}` by `values.name`. */
const fill = (template, values) => template.replaceAll(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder)

const money = minor => (minor === null ? '' : formatter.format(`${minor}E-${decimals}`))

/** Sends a request to the shop. `status` 0: no response arrived, so its effect is unknown. */
async function request(method, path, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? ''
  const headers = { Accept: 'application/json', 'X-Requested-With': 'XMLHttpRequest' }
  if (method !== 'GET') headers['X-CSRF-TOKEN'] = token
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  try {
    const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
    const data = await response.json()
    const date = Date.parse(response.headers.get('date') ?? '')
    return {
      status: response.status,
      ok: response.ok,
      data,
      headers: response.headers,
      skewMs: date ? date - Date.now() : 0,
    }
  } catch {
    const data = { code: 'no_response', message: text.noResponse }
    return { status: 0, ok: false, data, headers: new Headers(), skewMs: 0 }
  }
}

/** Shows `message` in a status line. `tone`: "good", "bad", or none. */
function report(element, message, tone = '') {
  element.textContent = message
  element.dataset.tone = tone
}

function showCount(quantity) {
  const count = document.getElementById('cart-count')
  if (count === null) return
  count.textContent = String(quantity)
  count.dataset.count = String(quantity)
}

async function busy(button, work) {
  button.setAttribute('aria-busy', 'true')
  try {
    return await work()
  } finally {
    button.removeAttribute('aria-busy')
  }
}

globalThis.holdfast = { copy, fill, request, money, report, busy, read }

const isQuantity = quantity => Number.isInteger(quantity) && quantity >= 1

// Product page
const buy = document.getElementById('buy')
if (buy !== null) {
  const variants = new Map(read('variants').map(variant => [variant.sku, variant]))
  const button = buy.querySelector('.add button')
  const status = document.getElementById('status')
  const chosen = () => variants.get(new FormData(buy).get('sku'))
  buy.addEventListener('change', event => {
    if (event.target.name !== 'sku') return
    const variant = chosen()
    const price = document.getElementById('price')
    price.textContent = variant.price === null ? text.noPrice : money(variant.price)
    if (variant.was !== null) {
      const was = Object.assign(document.createElement('span'), { className: 'was', textContent: money(variant.was) })
      price.append(was)
    }
    const stock = document.getElementById('stock')
    stock.textContent = variant.stock.text
    stock.dataset.stock = variant.stock.level
    button.disabled = !variant.buyable
    if (variant.image) document.getElementById('picture').src = variant.image
    report(status, '')
  })
  buy.addEventListener('submit', async event => {
    event.preventDefault()
    if (button.getAttribute('aria-busy')) return
    const quantity = Number(buy.elements.quantity.value)
    if (!isQuantity(quantity)) return report(status, text.wholeQuantity, 'bad')
    const answer = await busy(button, () => request('POST', '/cart/lines', { sku: chosen().sku, quantity }))
    if (!answer.ok) return report(status, answer.data.message, 'bad')
    showCount(answer.data.quantity)
    report(status, `${text.added} `, 'good')
    status.append(Object.assign(document.createElement('a'), { href: '/cart', textContent: text.viewCart }))
  })
}

// Cart page
const lines = document.querySelector('.lines')
if (lines !== null && lines.querySelector('[data-line]') !== null) {
  const status = document.getElementById('status')
  const show = answer => (answer.ok ? location.reload() : report(status, answer.data.message, 'bad'))
  lines.addEventListener('change', async event => {
    const id = event.target.closest('[data-line]').dataset.line
    const quantity = Number(event.target.value)
    if (!isQuantity(quantity)) return report(status, text.wholeQuantity, 'bad')
    show(await request('PATCH', `/cart/lines/${id}`, { quantity }))
  })
  lines.addEventListener('click', async event => {
    const button = event.target.closest('[data-remove]')
    if (button === null) return
    const id = button.closest('[data-line]').dataset.line
    show(await busy(button, () => request('DELETE', `/cart/lines/${id}`)))
  })
  document.getElementById('cancel-checkout')?.addEventListener('click', async event => {
    show(await busy(event.currentTarget, () => request('POST', '/checkout/cancel', {})))
  })
}
