// What every page needs: requests with the session's token, money for people, the cart's count; and the storefront.

const root = document.documentElement
const { currency, decimals } = root.dataset
const formatter = new Intl.NumberFormat('en', {
  style: 'currency',
  currency,
  minimumFractionDigits: Number(decimals),
  maximumFractionDigits: Number(decimals),
})

const money = minor => (minor === null ? '' : formatter.format(`${minor}E-${decimals}`))

/** Asks the shop. `status` 0: there was no answer, so nobody knows what became of it. */
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
    const message = 'No answer from the shop. Check your connection and try again.'
    return { status: 0, ok: false, data: { code: 'no_answer', message }, headers: new Headers(), skewMs: 0 }
  }
}

function say(element, text, tone = '') {
  element.textContent = text
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

const read = id => JSON.parse(document.getElementById(id).textContent)

globalThis.holdfast = { request, money, say, showCount, busy, read }

// Product
const buy = document.getElementById('buy')
if (buy !== null) {
  const variants = new Map(read('variants').map(variant => [variant.sku, variant]))
  const button = buy.querySelector('.add button')
  const said = document.getElementById('said')
  const chosen = () => variants.get(new FormData(buy).get('sku'))
  buy.addEventListener('change', event => {
    if (event.target.name !== 'sku') return
    const variant = chosen()
    const price = document.getElementById('price')
    price.textContent = variant.price === null ? 'no price' : money(variant.price)
    if (variant.was !== null) {
      const was = Object.assign(document.createElement('span'), { className: 'was', textContent: money(variant.was) })
      price.append(was)
    }
    const stock = document.getElementById('stock')
    stock.textContent = variant.stock.text
    stock.dataset.stock = variant.stock.level
    button.disabled = !variant.buyable
    if (variant.image) document.getElementById('picture').src = variant.image
    say(said, '')
  })
  buy.addEventListener('submit', async event => {
    event.preventDefault()
    if (button.getAttribute('aria-busy')) return
    const quantity = Number(buy.elements.quantity.value)
    if (!Number.isInteger(quantity) || quantity < 1) return say(said, 'How many? A whole number from 1.', 'bad')
    const answer = await busy(button, () => request('POST', '/cart/lines', { sku: chosen().sku, quantity }))
    if (!answer.ok) return say(said, answer.data.message, 'bad')
    showCount(answer.data.quantity)
    say(said, 'In your cart. ', 'good')
    said.append(Object.assign(document.createElement('a'), { href: '/cart', textContent: 'See the cart' }))
  })
}

// Cart
const lines = document.querySelector('.lines')
if (lines !== null && lines.querySelector('[data-line]') !== null) {
  const said = document.getElementById('said')
  const settle = answer => (answer.ok ? location.reload() : say(said, answer.data.message, 'bad'))
  lines.addEventListener('change', async event => {
    const id = event.target.closest('[data-line]').dataset.line
    const quantity = Number(event.target.value)
    if (!Number.isInteger(quantity) || quantity < 1) return say(said, 'A quantity is a whole number from 1.', 'bad')
    settle(await request('PATCH', `/cart/lines/${id}`, { quantity }))
  })
  lines.addEventListener('click', async event => {
    const button = event.target.closest('[data-remove]')
    if (button === null) return
    const id = button.closest('[data-line]').dataset.line
    settle(await busy(button, () => request('DELETE', `/cart/lines/${id}`)))
  })
  document.getElementById('cancel-checkout')?.addEventListener('click', async event => {
    settle(await busy(event.currentTarget, () => request('POST', '/checkout/cancel', {})))
  })
}
