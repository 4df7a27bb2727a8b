// The payment step where buyers pay in Stripe's form: the payment is made first, then the form is opened for it, in place,
// and may be opened again for the same payment. Whatever Stripe leaves unclear the shop asks Stripe itself.

const { request, say, busy, stripeForm } = globalThis.holdfast
const $ = id => document.getElementById(id)

/** `page`: what the step needs of the checkout around it. */
function stripeStep({ stripe_script: script, returned }, page) {
  const form = stripeForm(script)
  // Pressed Pay in the form, and Stripe has not answered yet.
  let isPaying = false
  let hasTried = returned
  const isOpen = () => form.payment() !== null

  /** `before`: what is to come. `opening`: it is on its way. `stopped`: what is in the way. `open`: there it is. */
  function draw(at) {
    $('before-form').hidden = at !== 'before'
    $('card').hidden = at === 'before'
    $('card-place').hidden = at === 'before' || at === 'open'
    $('card-place').dataset.at = at
    $('give-up').hidden = at === 'before' || at === 'opening'
    $('pay').hidden = at === 'stopped'
    page.labelPay(at === 'opening' ? 'Opening…' : '')
    bind(at === 'opening')
    if (at === 'opening') $('pay').setAttribute('aria-busy', 'true')
    else $('pay').removeAttribute('aria-busy')
    if (at === 'opening') put({ text: 'Opening the payment form…' })
  }

  /** Nothing may be given up while an answer about it is on its way. */
  function bind(isBound) {
    for (const button of document.querySelectorAll('[data-edit], #give-up button')) button.disabled = isBound
  }

  /** Words where the form is to be; `action` is a label and what it does. */
  function put({ title = '', text, tone = '', action = null }) {
    const place = $('card-place')
    const [heading, line, button] = place.children
    heading.hidden = title === ''
    // What stands there already is not said again.
    if (heading.textContent !== title) heading.textContent = title
    if (line.textContent !== text) line.textContent = text
    place.dataset.tone = tone
    button.hidden = action === null
    if (action === null) return
    button.textContent = action[0]
    button.onclick = action[1]
    button.focus({ preventScroll: true })
    place.scrollIntoView({ block: 'nearest' })
  }

  function stop(words) {
    page.show('payment', false)
    draw('stopped')
    put(words)
  }

  function setPaying(now) {
    isPaying = now
    bind(now)
    page.labelPay(now ? 'Paying…' : '')
  }

  /** What `work` gives; null where this checkout ended meanwhile, and the page has gone on. */
  async function meanwhile(work) {
    const lock = page.lock()
    const result = await work
    return page.lock() === lock ? { result } : null
  }

  /** Its script comes first: for a buyer who cannot pay, nothing is held. */
  async function open() {
    page.quiet()
    draw('opening')
    const loaded = await meanwhile(form.load())
    if (loaded === null) return
    if (!loaded.result) return missing('script', open, 'Nothing was charged.')
    const answered = await meanwhile(request('POST', '/checkout', page.paymentBody()))
    if (answered === null) return
    draw('before')
    const { result: answer } = answered
    if (answer.status !== 0) return page.settle(answer, open)
    const text = 'Check your connection. Nothing was charged.'
    stop({ title: 'No answer from the shop', text, tone: 'bad', action: ['Try again', open] })
  }

  /** For the payment that is under way: after a reload, or where the form could not be had before. */
  function reopen() {
    page.quiet()
    page.show('payment', false)
    draw('opening')
    return ask()
  }

  async function ask() {
    const { lock_id } = page.lock() ?? {}
    const answered = await meanwhile(request('POST', '/checkout/resume', { lock_id }))
    if (answered === null) return
    draw('before')
    await page.settle(answered.result, reopen)
  }

  async function show(action) {
    page.leave()
    page.show('payment', false)
    if (form.payment() === action.payment) return draw('open')
    draw('opening')
    const shown = await meanwhile(form.show(action, $('card-form'), billingDetails(page.cart())))
    if (shown === null) return form.close()
    const kept = 'Nothing was charged, and your goods stay set aside for you.'
    if (shown.result !== null) return missing(shown.result, reopen, kept)
    draw('open')
    await tellLast()
  }

  function tell(message) {
    say($('card-said'), message)
    if (message !== '') $('card-said').scrollIntoView({ block: 'center' })
  }

  /** How the last attempt ended, to a buyer who comes back. */
  async function tellLast() {
    const { message, isWaiting } = await form.told()
    tell(message)
    if (!isWaiting) return message === '' && form.focus()
    page.notice('wait', 'Your bank wants to hear from you', 'Confirm there, or pay with another card below.', [
      ['Confirm the payment', () => settle(form.goOn)],
    ])
  }

  /** What Stripe refuses may be tried again here. */
  async function settle(confirm) {
    page.quiet()
    tell('')
    hasTried = true
    setPaying(true)
    const { is, message } = await busy($('pay'), confirm)
    setPaying(false)
    tell(message)
    if (is !== 'refused') await page.resume()
    else if ($('countdown').textContent === '0:00') page.expired()
  }

  function missing(what, again, kept) {
    const why =
      what === 'script'
        ? 'Your browser could not get it from Stripe. Check your connection, or let js.stripe.com through your blocker.'
        : 'Stripe did not open it. Try again in a moment.'
    const title = 'The payment form did not load'
    stop({ title, text: `${why} ${kept}`, tone: 'bad', action: ['Try again', again] })
  }

  /** Neither the shop nor the buyer can learn from Stripe now what the form needs. */
  function wait() {
    const text = 'We keep asking. Nothing was charged, and your goods stay set aside for you.'
    stop({ title: 'Stripe does not answer', text })
  }

  /** The buyer has come back from there without a word of the bank's. */
  function bank(url) {
    stop({
      title: 'Your bank wants to hear from you',
      text: 'Confirm the payment on its page; you come back here by yourself. To pay with another card, cancel first.',
      action: ['Go to your bank', () => location.assign(url)],
    })
  }

  const button = $('give-up').querySelector('button')
  button.addEventListener('click', () => busy(button, page.cancel))
  // Come back from a bank's page by the browser's own way: what is shown here is from before.
  addEventListener('pageshow', event => event.persisted && location.reload())

  return {
    show,
    reopen,
    ask,
    wait,
    bank,
    isOpen,
    isPaying: () => isPaying,
    /** The buyer may have confirmed: then an answer that is late is about the money, not about the form. */
    hasTried: () => hasTried,
    submit: () => (isOpen() ? settle(() => form.confirm(page.returnUrl())) : open()),
    close() {
      page.leave()
      form.close()
      hasTried = false
      tell('')
      draw('before')
    },
  }
}

/** What the buyer need not type again. */
function billingDetails({ email, billing_address, shipping_address }) {
  const to = billing_address ?? shipping_address ?? {}
  const { first_name, last_name, phone, line_one: line1, line_two: line2, city, state, postcode, country } = to
  const given = fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value))
  const name = [first_name, last_name].filter(Boolean).join(' ')
  return given({ name, email, phone, address: given({ line1, line2, city, state, postal_code: postcode, country }) })
}

globalThis.holdfast.stripeStep = stripeStep
