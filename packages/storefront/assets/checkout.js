// The checkout page: details, shipping, payment, then the seven phases as they happen. Every request may be repeated:
// the shop gives the same result and charges once.

const { copy, fill, request, money, report, busy, read } = globalThis.holdfast
const text = copy.checkout
const $ = id => document.getElementById(id)
const steps = ['details', 'shipping', 'payment']
const state = read('state')
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
let cart = state.cart
let lock = state.lock?.locked ? state.lock : null
let skewMs = 0
let live = null
let ticking = 0
let polling = 0
let due = 0
let stripe = null // the payment step with Stripe's form, if the shop uses it

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
    const choice = form.querySelector('[data-choice]')
    choice.textContent = done ? choiceOf(id) : ''
    choice.hidden = !done
  }
  for (const element of $('coupon').elements) element.disabled = step === 'payment'
  if (focus) $(`${step}-title`).focus()
}

/** The buyer's choice in a step that is done. */
function choiceOf(step) {
  if (step === 'details') {
    const to = cart.shipping_address
    return to === null
      ? ''
      : `${cart.email ?? ''}, ${to.first_name} ${to.last_name}, ${to.line_one}, ${to.postcode} ${to.city}`
  }
  const method = cart.shipping_methods.find(({ code }) => code === cart.shipping_method)
  return method === undefined ? text.noShippingChoice : `${method.name}, ${money(method.amount)}`
}

function showTotals(totals, shippingKnown = true) {
  for (const row of document.querySelectorAll('[data-total]')) {
    const name = row.dataset.total
    if (totals[name] === undefined) continue
    const amount = name === 'discount' ? `−${money(totals[name])}` : money(totals[name])
    row.querySelector('dd').textContent = name === 'shipping' && !shippingKnown ? text.shippingUnknown : amount
    if (name === 'discount' || name === 'tax') row.hidden = totals[name] === 0
  }
  due = totals.total
  labelPay()
}

function labelPay(doing = '') {
  $('pay').textContent =
    doing || (stripe?.isOpen() === false ? text.toCardDetails : fill(text.pay, { amount: money(due) }))
}

function showCart(next) {
  cart = next
  showTotals(cart.totals, cart.shipping_address !== null)
  const discount = document.querySelector('[data-total="discount"] dt')
  discount.textContent = cart.coupon === null ? text.discount : fill(text.coupon, { code: cart.coupon.code })
  $('code').value = cart.coupon?.code ?? $('code').value
  $('code').readOnly = cart.coupon !== null
  $('coupon').querySelector('button').textContent = cart.coupon === null ? text.apply : text.remove
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
      textContent: method.amount === 0 ? text.free : money(method.amount),
    })
    label.append(input, name, amount)
    return label
  }
  const chosen = cart.shipping_method ?? cart.shipping_methods[0]?.code
  $('methods').replaceChildren(...cart.shipping_methods.map(method => template(method, method.code === chosen)))
}

// ── Notices ──────────────────────────────────────────────────────────────────

function notice(tone, title, message, actions = []) {
  const box = Object.assign(document.createElement('div'), { className: 'notice' })
  box.dataset.tone = tone
  box.append(Object.assign(document.createElement('h2'), { textContent: title }))
  if (message) box.append(Object.assign(document.createElement('p'), { textContent: message }))
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

const clearNotice = () => $('notice').replaceChildren()

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

// ── Time limit of the checkout ────────────────────────────────────────────────────

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
  notice('wait', copy.failures.checkout_expired, text.expiredText, [[text.startAgain, startPayment]])
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
    .map(input => ({ path: input.name, message: input.validity.valueMissing ? text.required : text.invalid }))
  if (markFields(form, wrong)) return
  const body = {
    email: form.elements.email.value,
    shipping_address: fieldsOf(form, 'shipping_address'),
    ...(separate ? { billing_address: fieldsOf(form, 'billing_address') } : {}),
  }
  busy(event.submitter ?? form.querySelector('.primary'), async () => {
    const answer = await request('PUT', '/cart/addresses', body)
    if (!answer.ok) return showDetailsError(answer)
    clearNotice()
    showCart(answer.data)
    if (cart.problem !== null) return notice('bad', text.notPossible, cart.problem.message)
    if (cart.shipping_methods.length > 0) show('shipping')
    else await startPayment()
  })
})

function showDetailsError({ status, data }) {
  show('details', false)
  if (status === 423) return lockedElsewhere(data)
  if (!markFields($('details'), data.context?.issues ?? [])) notice('bad', text.failed, data.message)
}

$('shipping').addEventListener('submit', event => {
  event.preventDefault()
  busy(event.submitter ?? event.currentTarget.querySelector('.primary'), async () => {
    const code = new FormData($('shipping')).get('method')
    if (code !== null) {
      const answer = await request('PUT', '/cart/shipping-method', { code })
      if (!answer.ok)
        return answer.status === 423 ? lockedElsewhere(answer.data) : notice('bad', text.failed, answer.data.message)
      showCart(answer.data)
    }
    await startPayment()
  })
})

$('coupon').addEventListener('submit', event => {
  event.preventDefault()
  const form = event.currentTarget
  const status = form.querySelector('.status')
  busy(form.querySelector('button'), async () => {
    const removing = cart.coupon !== null
    const code = form.elements.code.value.trim()
    if (!removing && code === '') return report(status, text.enterCode, 'bad')
    const answer = removing ? await request('DELETE', '/cart/coupon') : await request('PUT', '/cart/coupon', { code })
    if (!answer.ok) return report(status, answer.data.message, 'bad')
    if (removing) form.elements.code.value = ''
    showCart(answer.data)
    const problem = answer.data.problem
    const done = removing ? text.couponRemoved : text.couponApplied
    report(status, problem ? problem.message : done, problem ? 'bad' : 'good')
  })
})

for (const button of document.querySelectorAll('[data-edit]')) {
  button.addEventListener('click', () =>
    busy(button, async () => {
      if (lock !== null) {
        const answer = await request('POST', '/checkout/cancel', { lock_id: lock.lock_id })
        if (!answer.ok) return notice('bad', text.failed, answer.data.message)
        hold(null)
        stripe?.close()
      }
      clearNotice()
      show(button.dataset.edit)
    }),
  )
}

// ── Payment ──────────────────────────────────────────────────────────────────

/** Starts the checkout, or continues the active one. From here on the cart is locked. */
async function startPayment() {
  const answer = await request('GET', '/checkout')
  if (!answer.ok) {
    if (answer.status === 423) return lockedElsewhere(answer.data)
    return fail(answer)
  }
  clearNotice()
  skewMs = answer.skewMs
  hold(answer.data)
  showTotals(answer.data.totals)
  state.total = answer.data.totals.total
  show('payment')
}

function lockedElsewhere(data) {
  notice('wait', copy.failures.cart_locked, data.message, [
    [text.tryAgain, () => location.reload()],
    [text.toCart, '/cart'],
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

/** Contains the checkout ID, because the checkout may have ended when the buyer returns. */
const returnUrl = () => `${location.origin}/checkout?returned=1${lock === null ? '' : `&checkout_id=${lock.lock_id}`}`

$('payment').addEventListener('submit', event => {
  event.preventDefault()
  if (!$('progress').hidden || $('pay').getAttribute('aria-busy')) return
  if (stripe !== null) return stripe.submit()
  const { payment_token: token } = event.currentTarget.elements
  const missing = token && token.value.trim() === ''
  if (markFields(event.currentTarget, missing ? [{ path: token.name, message: text.required }] : [])) return
  pay(paymentBody())
})

async function pay(body) {
  clearNotice()
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

/** Shows the response to a payment or a resume. `again` repeats the request. */
function settle(answer, again) {
  const { status, data } = answer
  clearTimeout(polling)
  if (status === 0) {
    return notice('wait', text.noResponse, text.noResponseText, [[text.checkAgain, again]])
  }
  if (status === 201) return showOrder(data.order)
  if (data.status === 'action_required' && data.action.type === 'confirm') {
    return stripe === null ? formMissing() : stripe.show(data.action)
  }
  if (data.status === 'action_required' && stripe !== null) {
    leave()
    return stripe.bank(data.action.url)
  }
  if (data.status === 'action_required') {
    leave()
    notice('wait', text.confirmAtBank, text.confirmAtBankText, [
      [text.confirm, data.action.url],
      [text.cancel, leaveCheckout],
    ])
    if (!state.returned) setTimeout(() => location.assign(data.action.url), 1500)
    return
  }
  if (data.status === 'processing' && stripe?.hasTried() === false) {
    polling = setTimeout(stripe.poll, later(data.poll_after_ms))
    return stripe.wait()
  }
  if (data.status === 'processing') {
    notice('wait', text.pending, text.pendingText)
    polling = setTimeout(resume, later(data.poll_after_ms))
    return
  }
  if (status === 429) {
    const seconds = Number(answer.headers.get('retry-after') ?? 60)
    show('payment', false)
    return notice('wait', text.tooManyAttempts, data.message, [[fill(text.tryAgainIn, { seconds }), again]])
  }
  if (status === 503) return notice('wait', text.busy, data.message, [[text.tryAgain, again]])
  fail(answer)
}

/** Another client started a payment that needs Stripe's form, and this shop has no publishable key for it. */
function formMissing() {
  leave()
  notice('bad', text.formMissing, text.formMissingText, [[text.cancel, leaveCheckout]])
}

/** What a buyer reads of a failed checkout. The shop's message says first whether they were charged. */
function failureText({ lock_id: lockId, message }) {
  return lockId === undefined ? message : `${message} ${text.cartUnchanged}`
}

function fail({ data }) {
  leave()
  hold(null)
  stripe?.close()
  if (data.phase) drawFailure(data.phase)
  const actions = {
    insufficient_stock: [[text.editCart, '/cart']],
    variant_unavailable: [[text.editCart, '/cart']],
    cart_empty: [[text.browse, '/']],
    cart_changed: [
      [text.acceptTotal, startAgain],
      [text.toCart, '/cart'],
    ],
    csrf_token_invalid: [[text.reload, () => location.reload()]],
  }[data.code] ?? [
    [text.otherPayment, startAgain],
    [text.toCart, '/cart'],
  ]
  notice('bad', copy.failures[data.code] ?? text.failed, failureText(data), actions)
  if (['address_missing', 'address_invalid', 'email_missing', 'shipping_unavailable'].includes(data.code))
    show('details', false)
}

async function startAgain() {
  const answer = await request('GET', '/cart')
  if (answer.ok) showCart(answer.data)
  clearNotice()
  await startPayment()
}

async function cancel() {
  clearTimeout(polling)
  const answer = await request('POST', '/checkout/cancel', lock === null ? {} : { lock_id: lock.lock_id })
  if (!answer.ok) return resume()
  hold(null)
  stripe?.close()
  show(cart.shipping_methods.length > 0 ? 'shipping' : 'details', false)
  notice('wait', copy.failures.checkout_cancelled, answer.data.message, [
    [text.startAgain, startAgain],
    [text.toCart, '/cart'],
  ])
}

/** Cancels the checkout and loads the page again. */
async function leaveCheckout() {
  clearTimeout(polling)
  const answer = await request('POST', '/checkout/cancel', lock === null ? {} : { lock_id: lock.lock_id })
  if (!answer.ok) return resume()
  location.assign('/checkout')
}

function showOrder(order) {
  leave()
  // A pending order has no captured payment yet.
  const done = order.status === 'pending' ? 5 : 7
  for (const [at, phase] of phaseItems().entries()) draw(phase, at < done ? 'done' : 'later')
  $('progress-title').textContent = text.received
  setTimeout(() => location.assign(`/checkout/confirmation/${order.id}`), calm ? 0 : 600)
}

// ── The seven phases ─────────────────────────────────────────────────────────

const reached = { pending: 0, authorizing: 3, awaiting_action: 3, capturing: 5, awaiting_capture: 5, completed: 7 }
const labels = {
  done: text.phaseDone,
  now: text.phaseNow,
  failed: text.phaseFailed,
  undone: text.phaseUndone,
  later: '',
}
const phaseItems = () => document.querySelectorAll('[data-phase]')

function draw(phase, at) {
  phase.dataset.at = at
  phase.lastElementChild.textContent = labels[at]
  if (at === 'now') phase.setAttribute('aria-current', 'step')
  else phase.removeAttribute('aria-current')
}

function drawState(name) {
  const until = reached[name]
  if (until === undefined) return
  for (const [at, phase] of phaseItems().entries()) {
    draw(phase, at < until ? 'done' : at === until ? 'now' : 'later')
  }
}

function drawFailure(phase) {
  let passed = false
  for (const item of phaseItems()) {
    const isFailed = item.dataset.phase === phase
    draw(item, isFailed ? 'failed' : passed ? 'later' : 'undone')
    passed ||= isFailed
  }
  for (const id of steps) $(id).hidden = true
  $('progress').hidden = false
  $('progress-title').textContent = text.rolledBack
}

/** Shows the phases and follows them live. */
function watch() {
  for (const element of $('coupon').elements) element.disabled = true
  for (const id of steps) $(id).hidden = true
  $('progress').hidden = false
  $('progress-title').textContent = text.processing
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
  clearTimeout(polling)
}

addEventListener('pagehide', leave)

// ── The state of the checkout when the page opens ───────────────────────────────

if (state.stripe_script) {
  const page = { notice, clearNotice, show, leave, settle, resume, cancel, expired, labelPay, paymentBody, returnUrl }
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
  if (cart.problem !== null && cart.shipping_address !== null) notice('bad', text.notPossible, cart.problem.message)
  show('details', false)
}
