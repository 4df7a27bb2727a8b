// Leads through the checkout: details, shipping, payment, then the seven phases live. Every request may be repeated:
// the shop answers a repetition the same and charges once.

const { request, money, say, busy, read } = globalThis.holdfast
const $ = id => document.getElementById(id)
const steps = ['details', 'shipping', 'payment']
const state = read('state')
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
let cart = state.cart
let lock = state.lock?.locked ? state.lock : null
let skewMs = 0
let live = null
let ticking = 0
let asking = 0
let due = 0
let stripe = null // the payment step with Stripe's form, where the shop has it

// ── Steps ────────────────────────────────────────────────────────────────────

function show(step, focus = true) {
  $('progress').hidden = true
  for (const [at, id] of steps.entries()) {
    const form = $(id)
    const now = id === step
    const done = at < steps.indexOf(step)
    form.hidden = false
    form.dataset.at = now ? 'now' : done ? 'done' : 'later'
    form.querySelector('.body').hidden = !now
    form.querySelector('[data-edit]').hidden = !done
    const told = form.querySelector('[data-told]')
    told.textContent = done ? tell(id) : ''
    told.hidden = !done
  }
  for (const element of $('coupon').elements) element.disabled = step === 'payment'
  if (focus) $(`${step}-title`).focus()
}

function tell(step) {
  if (step === 'details') {
    const to = cart.shipping_address
    return to === null
      ? ''
      : `${cart.email ?? ''}, ${to.first_name} ${to.last_name}, ${to.line_one}, ${to.postcode} ${to.city}`
  }
  const method = cart.shipping_methods.find(({ code }) => code === cart.shipping_method)
  return method === undefined ? 'Nothing to choose' : `${method.name}, ${money(method.amount)}`
}

function showTotals(totals, shippingKnown = true) {
  for (const row of document.querySelectorAll('[data-total]')) {
    const name = row.dataset.total
    if (totals[name] === undefined) continue
    const amount = name === 'discount' ? `−${money(totals[name])}` : money(totals[name])
    row.querySelector('dd').textContent = name === 'shipping' && !shippingKnown ? 'at checkout' : amount
    if (name === 'discount' || name === 'tax') row.hidden = totals[name] === 0
  }
  due = totals.total
  labelPay()
}

function labelPay(doing = '') {
  $('pay').textContent = doing || (stripe?.isOpen() === false ? 'Continue to card details' : `Pay ${money(due)}`)
}

function showCart(next) {
  cart = next
  showTotals(cart.totals, cart.shipping_address !== null)
  const discount = document.querySelector('[data-total="discount"] dt')
  discount.textContent = cart.coupon === null ? 'Discount' : `Coupon ${cart.coupon.code}`
  $('code').value = cart.coupon?.code ?? $('code').value
  $('code').readOnly = cart.coupon !== null
  $('coupon').querySelector('button').textContent = cart.coupon === null ? 'Apply' : 'Remove'
  const template = (method, chosen) => {
    const label = Object.assign(document.createElement('label'), { className: 'option' })
    const input = Object.assign(document.createElement('input'), {
      type: 'radio',
      name: 'method',
      value: method.code,
      checked: chosen,
    })
    const name = Object.assign(document.createElement('strong'), { textContent: method.name })
    const amount = Object.assign(document.createElement('span'), {
      className: 'money',
      textContent: method.amount === 0 ? 'Free' : money(method.amount),
    })
    label.append(input, name, amount)
    return label
  }
  const chosen = cart.shipping_method ?? cart.shipping_methods[0]?.code
  $('methods').replaceChildren(...cart.shipping_methods.map(method => template(method, method.code === chosen)))
}

// ── Words to the buyer ───────────────────────────────────────────────────────

function notice(tone, title, text, actions = []) {
  const box = Object.assign(document.createElement('div'), { className: 'notice' })
  box.dataset.tone = tone
  box.append(Object.assign(document.createElement('h2'), { textContent: title }))
  if (text) box.append(Object.assign(document.createElement('p'), { textContent: text }))
  if (actions.length > 0) {
    const row = Object.assign(document.createElement('div'), { className: 'actions' })
    for (const [at, [label, action]] of actions.entries()) {
      const isLink = typeof action === 'string'
      const control = document.createElement(isLink ? 'a' : 'button')
      control.className = at === 0 ? 'button primary' : 'button'
      control.textContent = label
      if (isLink) control.href = action
      else control.addEventListener('click', () => busy(control, action))
      row.append(control)
    }
    box.append(row)
  }
  $('notice').replaceChildren(box)
  $('notice').focus({ preventScroll: true })
  box.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' })
}

const quiet = () => $('notice').replaceChildren()

function markFields(form, issues) {
  for (const old of form.querySelectorAll('.field-error')) old.remove()
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid')
    input.removeAttribute('aria-describedby')
  }
  let first = null
  for (const { path, message } of issues) {
    const input = form.elements[path]
    if (!input) continue
    const label = form.querySelector(`label[for="${CSS.escape(path)}"]`)?.firstChild.textContent ?? path
    const error = Object.assign(document.createElement('p'), { className: 'field-error', id: `${path}-error` })
    error.textContent = `${label.trim()} ${message}.`
    input.setAttribute('aria-invalid', 'true')
    input.setAttribute('aria-describedby', error.id)
    input.after(error)
    first ??= input
  }
  first?.focus()
  return first !== null
}

// ── Countdown of the lock ────────────────────────────────────────────────────

function hold(next) {
  lock = next
  clearInterval(ticking)
  $('held').hidden = lock === null
  if (lock === null) return
  const tick = () => {
    const left = Math.max(0, Math.floor((Date.parse(lock.expires_at) - Date.now() - skewMs) / 1000))
    $('countdown').textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
    $('held').dataset.low = String(left < 60)
    if (left > 0) return
    clearInterval(ticking)
    if ($('progress').hidden && !stripe?.isPaying()) expired()
  }
  ticking = setInterval(tick, 1000)
  tick()
}

function expired() {
  hold(null)
  stripe?.close()
  show('shipping', false)
  notice('wait', 'Time is up', 'Nothing is held any more and nothing was charged. Your cart is as it was.', [
    ['Start again', startPayment],
  ])
}

// ── Details and shipping ─────────────────────────────────────────────────────

function fieldsOf(form, scope) {
  const entries = [...new FormData(form)].filter(([name]) => name.startsWith(`${scope}.`))
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(scope.length + 1), value]))
}

$('same-billing').addEventListener('change', event => {
  $('billing').hidden = event.target.checked
})

$('details').addEventListener('submit', event => {
  event.preventDefault()
  const form = event.currentTarget
  const separate = !$('same-billing').checked
  const wrong = [...form.elements]
    .filter(input => input.willValidate && !input.validity.valid && (separate || !input.closest('#billing')))
    .map(input => ({ path: input.name, message: input.validity.valueMissing ? 'is required' : 'does not look right' }))
  if (markFields(form, wrong)) return
  const body = {
    email: form.elements.email.value,
    shipping_address: fieldsOf(form, 'shipping_address'),
    ...(separate ? { billing_address: fieldsOf(form, 'billing_address') } : {}),
  }
  busy(event.submitter ?? form.querySelector('.primary'), async () => {
    const answer = await request('PUT', '/cart/addresses', body)
    if (!answer.ok) return refusedDetails(answer)
    quiet()
    showCart(answer.data)
    if (cart.problem !== null) return notice('bad', 'This does not go through yet', cart.problem.message)
    if (cart.shipping_methods.length > 0) show('shipping')
    else await startPayment()
  })
})

function refusedDetails({ status, data }) {
  show('details', false)
  if (status === 423) return lockedElsewhere(data)
  if (!markFields($('details'), data.context?.issues ?? [])) notice('bad', 'That did not work', data.message)
}

$('shipping').addEventListener('submit', event => {
  event.preventDefault()
  busy(event.submitter ?? event.currentTarget.querySelector('.primary'), async () => {
    const code = new FormData($('shipping')).get('method')
    if (code !== null) {
      const answer = await request('PUT', '/cart/shipping-method', { code })
      if (!answer.ok)
        return answer.status === 423
          ? lockedElsewhere(answer.data)
          : notice('bad', 'That did not work', answer.data.message)
      showCart(answer.data)
    }
    await startPayment()
  })
})

$('coupon').addEventListener('submit', event => {
  event.preventDefault()
  const form = event.currentTarget
  const said = form.querySelector('.said')
  busy(form.querySelector('button'), async () => {
    const removing = cart.coupon !== null
    const code = form.elements.code.value.trim()
    if (!removing && code === '') return say(said, 'Enter a code first.', 'bad')
    const answer = removing ? await request('DELETE', '/cart/coupon') : await request('PUT', '/cart/coupon', { code })
    if (!answer.ok) return say(said, answer.data.message, 'bad')
    if (removing) form.elements.code.value = ''
    showCart(answer.data)
    const problem = answer.data.problem
    say(said, problem ? problem.message : removing ? 'Coupon removed.' : 'Coupon applied.', problem ? 'bad' : 'good')
  })
})

for (const button of document.querySelectorAll('[data-edit]')) {
  button.addEventListener('click', () =>
    busy(button, async () => {
      if (lock !== null) {
        const answer = await request('POST', '/checkout/cancel', { lock_id: lock.lock_id })
        if (!answer.ok) return notice('bad', 'That did not work', answer.data.message)
        hold(null)
        stripe?.close()
      }
      quiet()
      show(button.dataset.edit)
    }),
  )
}

// ── Payment ──────────────────────────────────────────────────────────────────

/** Starts the checkout (or takes up the one that runs): from here on the cart is held. */
async function startPayment() {
  const answer = await request('GET', '/checkout')
  if (!answer.ok) {
    if (answer.status === 423) return lockedElsewhere(answer.data)
    return fail(answer)
  }
  quiet()
  skewMs = answer.skewMs
  hold(answer.data)
  showTotals(answer.data.totals)
  state.total = answer.data.totals.total
  show('payment')
}

function lockedElsewhere(data) {
  notice('wait', 'This cart is being checked out', data.message, [
    ['Try again', () => location.reload()],
    ['To the cart', '/cart'],
  ])
}

function paymentBody() {
  const form = new FormData($('payment'))
  const chosen = form.get('payment')
  const [method, token] = chosen === null ? ['card', form.get('payment_token')] : chosen.split(':')
  return {
    ...(lock === null ? {} : { lock_id: lock.lock_id }),
    payment_method: method,
    ...(token ? { payment_token: token } : {}),
    ...(token && chosen === null ? { return_url: returnUrl() } : {}),
    ...(state.total === undefined ? {} : { expected_total: state.total }),
  }
}

/** Names the checkout: by the time the buyer is back, it may be over. */
const returnUrl = () => `${location.origin}/checkout?returned=1${lock === null ? '' : `&checkout_id=${lock.lock_id}`}`

$('payment').addEventListener('submit', event => {
  event.preventDefault()
  if (!$('progress').hidden || $('pay').getAttribute('aria-busy')) return
  if (stripe !== null) return stripe.submit()
  const { payment_token: token } = event.currentTarget.elements
  const missing = token && token.value.trim() === ''
  if (markFields(event.currentTarget, missing ? [{ path: token.name, message: 'is required' }] : [])) return
  pay(paymentBody())
})

async function pay(body) {
  quiet()
  watch()
  const answer = await request('POST', '/checkout', body)
  settle(answer, () => pay(body))
}

async function resume() {
  watch()
  const answer = await request('POST', '/checkout/resume', lock === null ? {} : { lock_id: lock.lock_id })
  settle(answer, resume)
}

const later = pollAfterMs => Math.min(10_000, Math.max(1_000, pollAfterMs))

/** What an answer means, of paying as of resuming. `again` repeats the same question. */
function settle(answer, again) {
  const { status, data } = answer
  clearTimeout(asking)
  if (status === 0) {
    return notice(
      'wait',
      'No answer',
      'We do not know yet whether your payment went through. Asking again is safe: you are charged once.',
      [['Ask again', again]],
    )
  }
  if (status === 201) return arrived(data.order)
  if (data.status === 'action_required' && data.action.type === 'confirm') {
    return stripe === null ? formMissing() : stripe.show(data.action)
  }
  if (data.status === 'action_required' && stripe !== null) {
    leave()
    return stripe.bank(data.action.url)
  }
  if (data.status === 'action_required') {
    leave()
    notice(
      'wait',
      'Your bank wants to hear from you',
      'Confirm the payment on its page; you come back here by yourself.',
      [
        ['Confirm the payment', data.action.url],
        ['Give up', giveUp],
      ],
    )
    if (!state.returned) setTimeout(() => location.assign(data.action.url), 1500)
    return
  }
  if (data.status === 'processing' && stripe?.hasTried() === false) {
    asking = setTimeout(stripe.ask, later(data.poll_after_ms))
    return stripe.wait()
  }
  if (data.status === 'processing') {
    notice(
      'wait',
      'The bank is taking its time',
      'Nothing to do: you may wait here or come back later. You are charged once, or not at all.',
    )
    asking = setTimeout(resume, later(data.poll_after_ms))
    return
  }
  if (status === 429) {
    const seconds = Number(answer.headers.get('retry-after') ?? 60)
    show('payment', false)
    return notice('wait', 'A little slower', data.message, [[`Try again in ${seconds} seconds`, again]])
  }
  if (status === 503) return notice('wait', 'The shop is busy', data.message, [['Try again', again]])
  fail(answer)
}

/** Another client has opened it for Stripe's form. */
function formMissing() {
  leave()
  const needs = 'It is confirmed in Stripe’s form, which this shop shows once STRIPE_PUBLISHABLE_KEY is set.'
  notice('bad', 'This payment cannot be confirmed here', `${needs} Nothing was charged.`, [['Give up', giveUp]])
}

const headings = {
  payment_declined: 'The payment was declined',
  capture_refused: 'The payment was refused',
  insufficient_stock: 'Somebody was faster',
  cart_changed: 'The total has changed',
  checkout_expired: 'Time is up',
  checkout_cancelled: 'Checkout cancelled',
  cart_locked: 'This cart is being checked out',
  cart_empty: 'Your cart is empty',
  csrf_token_invalid: 'This page is out of date',
}

function fail({ data }) {
  leave()
  hold(null)
  stripe?.close()
  if (data.phase) drawFailure(data.phase)
  const undone = data.lock_id === undefined ? '' : ' Nothing was charged, and your cart is as it was.'
  const again = ['Try another way', () => startAgain()]
  const actions = {
    insufficient_stock: [['Change the cart', '/cart']],
    variant_unavailable: [['Change the cart', '/cart']],
    cart_empty: [['See the goods', '/']],
    cart_changed: [
      ['Go on with the new total', () => startAgain()],
      ['To the cart', '/cart'],
    ],
    csrf_token_invalid: [['Load it again', () => location.reload()]],
  }[data.code] ?? [again, ['To the cart', '/cart']]
  notice('bad', headings[data.code] ?? 'That did not work', `${data.message}${undone}`, actions)
  if (['address_missing', 'address_invalid', 'email_missing', 'shipping_unavailable'].includes(data.code))
    show('details', false)
}

async function startAgain() {
  const answer = await request('GET', '/cart')
  if (answer.ok) showCart(answer.data)
  quiet()
  await startPayment()
}

async function cancel() {
  clearTimeout(asking)
  const answer = await request('POST', '/checkout/cancel', lock === null ? {} : { lock_id: lock.lock_id })
  if (!answer.ok) return resume()
  hold(null)
  stripe?.close()
  show(cart.shipping_methods.length > 0 ? 'shipping' : 'details', false)
  notice('wait', 'Checkout cancelled', 'Nothing was charged, and your cart is as it was.', [
    ['Start again', startAgain],
    ['To the cart', '/cart'],
  ])
}

async function giveUp() {
  clearTimeout(asking)
  const answer = await request('POST', '/checkout/cancel', lock === null ? {} : { lock_id: lock.lock_id })
  if (!answer.ok) return resume()
  location.assign('/checkout')
}

function arrived(order) {
  leave()
  // Where the order waits for its money, payment is not taken yet.
  const done = order.status === 'pending' ? 5 : 7
  for (const [at, knot] of document.querySelectorAll('[data-phase]').entries()) draw(knot, at < done ? 'done' : 'later')
  $('progress-title').textContent = 'Made fast'
  setTimeout(() => location.assign(`/checkout/confirmation/${order.id}`), calm ? 0 : 600)
}

// ── Seven knots ──────────────────────────────────────────────────────────────

const reached = { pending: 0, authorizing: 3, awaiting_action: 3, capturing: 5, awaiting_capture: 5, completed: 7 }
const words = { done: 'done', now: 'now', failed: 'failed', undone: 'undone', later: '' }

function draw(knot, at) {
  knot.dataset.at = at
  knot.lastElementChild.textContent = words[at]
  if (at === 'now') knot.setAttribute('aria-current', 'step')
  else knot.removeAttribute('aria-current')
}

function drawState(name) {
  const until = reached[name]
  if (until === undefined) return
  for (const [at, knot] of document.querySelectorAll('[data-phase]').entries()) {
    draw(knot, at < until ? 'done' : at === until ? 'now' : 'later')
  }
}

function drawFailure(phase) {
  let passed = false
  for (const knot of document.querySelectorAll('[data-phase]')) {
    const here = knot.dataset.phase === phase
    draw(knot, here ? 'failed' : passed ? 'later' : 'undone')
    passed ||= here
  }
  for (const id of steps) $(id).hidden = true
  $('progress').hidden = false
  $('progress-title').textContent = 'Undone'
}

/** Shows the phases and follows them live. */
function watch() {
  for (const element of $('coupon').elements) element.disabled = true
  for (const id of steps) $(id).hidden = true
  $('progress').hidden = false
  $('progress-title').textContent = 'Making fast'
  drawState(lock?.state ?? 'pending')
  $('progress-title').focus()
  if (live !== null || lock === null) return
  live = new EventSource(`/checkout/events?lock_id=${lock.lock_id}`)
  live.addEventListener('status', event => {
    const now = JSON.parse(event.data)
    if (now.state) drawState(now.state)
    if (now.state === 'completed' || now.state === 'failed') leave()
  })
}

function leave() {
  live?.close()
  live = null
  clearTimeout(asking)
}

addEventListener('pagehide', leave)

// ── Where the buyer stands when the page opens ───────────────────────────────

if (state.stripe_script) {
  const page = { notice, quiet, show, leave, settle, resume, cancel, expired, labelPay, paymentBody, returnUrl }
  stripe = globalThis.holdfast.stripeStep(state, { ...page, cart: () => cart, lock: () => lock })
}
showCart(cart)
if (state.lock?.failure) {
  show('shipping', false)
  fail({ data: { ...state.lock.failure, lock_id: state.lock.lock_id } })
} else if (lock !== null && lock.state === 'pending') {
  hold(lock)
  if (cart.shipping_address !== null && cart.email !== null) startPayment()
  else {
    state.total = cart.totals.total
    show('details', false)
  }
} else if (lock !== null) {
  hold(lock)
  if (stripe !== null) showTotals({ ...cart.totals, ...lock.totals })
  if (stripe !== null && lock.state === 'awaiting_action' && !state.returned) stripe.reopen()
  else resume()
} else {
  if (cart.problem !== null && cart.shipping_address !== null)
    notice('bad', 'This does not go through yet', cart.problem.message)
  show('details', false)
}
