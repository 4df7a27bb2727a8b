// The payment step with Stripe's form: the shop creates the payment, then the form opens for it in place. It can be
// opened again for the same payment. If a result is unclear, the shop queries Stripe.

const { copy, request, report, busy, stripeForm } = globalThis.holdfast
const text = copy.stripe
const { notCharged, confirm: confirmLabel, confirmAtBank } = copy.checkout
const $ = id => document.getElementById(id)

/** `page`: the functions of the checkout page that the step calls. */
function stripeStep({ stripe_script: script, returned }, page) {
  const form = stripeForm(script)
  // True from the submission of the form until Stripe responds.
  let isPaying = false
  let hasTried = returned
  const isOpen = () => form.payment() !== null

  /** `before`: an introduction. `opening`: the form loads. `stopped`: an error or a wait. `open`: the form is shown. */
  function draw(at) {
    $('before-form').hidden = at !== 'before'
    $('card').hidden = at === 'before'
    $('card-place').hidden = at === 'before' || at === 'open'
    $('card-place').dataset.at = at
    $('cancel').hidden = at === 'before' || at === 'opening'
    $('pay').hidden = at === 'stopped'
    page.labelPay(at === 'opening' ? text.opening : '')
    disableLeaving(at === 'opening')
    if (at === 'opening') $('pay').setAttribute('aria-busy', 'true')
    else $('pay').removeAttribute('aria-busy')
    if (at === 'opening') put({ message: text.openingForm })
  }

  /** The buyer cannot cancel or edit while a response about the payment is pending. */
  function disableLeaving(isDisabled) {
    for (const button of document.querySelectorAll('[data-edit], #cancel button')) button.disabled = isDisabled
  }

  /** Shows a message in place of the form. `action`: a label and a function. */
  function put({ title = '', message, tone = '', action = null }) {
    const place = $('card-place')
    const [heading, line, button] = place.children
    heading.hidden = title === ''
    // Screen readers would announce unchanged text again.
    if (heading.textContent !== title) heading.textContent = title
    if (line.textContent !== message) line.textContent = message
    place.dataset.tone = tone
    button.hidden = action === null
    if (action === null) return
    button.textContent = action[0]
    button.onclick = action[1]
    button.focus({ preventScroll: true })
    place.scrollIntoView({ block: 'nearest' })
  }

  function stop(message) {
    page.show('payment', false)
    draw('stopped')
    put(message)
  }

  function setPaying(now) {
    isPaying = now
    disableLeaving(now)
    page.labelPay(now ? text.paying : '')
  }

  /** The result of `work`. Null if this checkout has ended meanwhile. */
  async function whileLocked(work) {
    const lock = page.lock()
    const result = await work
    return page.lock() === lock ? { result } : null
  }

  /** Loads the script first, so that nothing is reserved for a buyer who cannot pay. */
  async function open() {
    page.clearNotice()
    draw('opening')
    const loaded = await whileLocked(form.load())
    if (loaded === null) return
    if (!loaded.result) return missing('script', open, notCharged)
    const answered = await whileLocked(request('POST', '/checkout', page.paymentBody()))
    if (answered === null) return
    draw('before')
    const { result: answer } = answered
    if (answer.status !== 0) return page.settle(answer, open)
    const message = `${notCharged} ${text.checkConnection}`
    stop({ title: text.noResponse, message, tone: 'bad', action: [text.tryAgain, open] })
  }

  /** Opens the form for the current payment, after a reload or if it could not be loaded before. */
  function reopen() {
    page.clearNotice()
    page.show('payment', false)
    draw('opening')
    return poll()
  }

  async function poll() {
    const { lock_id } = page.lock() ?? {}
    const answered = await whileLocked(request('POST', '/checkout/resume', { lock_id }))
    if (answered === null) return
    draw('before')
    await page.settle(answered.result, reopen)
  }

  async function show(action) {
    page.leave()
    page.show('payment', false)
    if (form.payment() === action.payment) return draw('open')
    draw('opening')
    const shown = await whileLocked(form.show(action, $('card-form'), billingDetails(page.cart())))
    if (shown === null) return form.close()
    if (shown.result !== null) return missing(shown.result, reopen, `${notCharged} ${text.itemsReserved}`)
    draw('open')
    await showLastAttempt()
  }

  function showError(message) {
    report($('card-error'), message)
    if (message !== '') $('card-error').scrollIntoView({ block: 'center' })
  }

  /** Shows a returning buyer the result of the last attempt. */
  async function showLastAttempt() {
    const { message, isWaiting } = await form.lastAttempt()
    showError(message)
    if (!isWaiting) return message === '' && form.focus()
    page.notice('wait', confirmAtBank, text.confirmOrOtherCard, [[confirmLabel, () => settle(form.continueAtBank)]])
  }

  /** Confirms the payment. After a decline, the buyer may try again in the form. */
  async function settle(confirm) {
    page.clearNotice()
    showError('')
    hasTried = true
    setPaying(true)
    const { result, message } = await busy($('pay'), confirm)
    setPaying(false)
    showError(message)
    if (result !== 'declined') await page.resume()
    else if ($('countdown').textContent === '0:00') page.expired()
  }

  function missing(what, again, state) {
    const reason = what === 'script' ? text.scriptBlocked : text.formFailed
    stop({ title: text.formMissing, message: `${state} ${reason}`, tone: 'bad', action: [text.tryAgain, again] })
  }

  /** The shop cannot get from Stripe what the form needs. The page polls. */
  function wait() {
    stop({ title: text.waiting, message: `${notCharged} ${text.itemsReserved} ${text.waitingText}` })
  }

  /** The buyer returned without having confirmed at the bank. */
  function bank(url) {
    const action = [text.toBank, () => location.assign(url)]
    stop({ title: confirmAtBank, message: text.confirmOrCancel, action })
  }

  const button = $('cancel').querySelector('button')
  button.addEventListener('click', () => busy(button, page.cancel))
  // After the browser's back button the page may come from a cache and show an old state.
  addEventListener('pageshow', event => event.persisted && location.reload())

  return {
    show,
    reopen,
    poll,
    wait,
    bank,
    isOpen,
    isPaying: () => isPaying,
    /** True once the buyer may have confirmed. A late response is then about the payment, not about the form. */
    hasTried: () => hasTried,
    submit: () => (isOpen() ? settle(() => form.confirm(page.returnUrl())) : open()),
    close() {
      page.leave()
      form.close()
      hasTried = false
      showError('')
      draw('before')
    },
  }
}

/** Billing details, so that the buyer need not enter them again. */
function billingDetails({ email, billing_address, shipping_address }) {
  const to = billing_address ?? shipping_address ?? {}
  const { first_name, last_name, phone, line_one: line1, line_two: line2, city, state, postcode, country } = to
  const given = fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value))
  const name = [first_name, last_name].filter(Boolean).join(' ')
  return given({ name, email, phone, address: given({ line1, line2, city, state, postal_code: postcode, country }) })
}

globalThis.holdfast.stripeStep = stripeStep
