// Stripe's Payment Element in the payment step: its script, in the shop's look, for one payment at a time. The payment's
// secret goes from the shop's answer to Stripe's script, and is kept nowhere else.

const patienceMs = 20_000
const dark = matchMedia('(prefers-color-scheme: dark)')

/** The shop's look, from the page's own variables. */
function appearance() {
  const style = getComputedStyle(document.documentElement)
  const of = name => style.getPropertyValue(`--${name}`).trim()
  const focus = { outline: `3px solid ${of('accent')}`, outlineOffset: '1px', boxShadow: 'none' }
  return {
    theme: dark.matches ? 'night' : 'stripe',
    variables: {
      colorPrimary: of('accent'),
      colorBackground: of('raised'),
      colorText: of('ink'),
      colorTextSecondary: of('soft'),
      colorTextPlaceholder: of('soft'),
      colorDanger: of('bad'),
      colorSuccess: of('good'),
      fontFamily: of('sans'),
      fontSizeBase: '16px',
      borderRadius: of('radius'),
      gridRowSpacing: '16px',
      gridColumnSpacing: '16px',
    },
    rules: {
      '.Input': { border: `1px solid ${of('line-strong')}`, boxShadow: 'none', padding: '11px 12px' },
      '.Input:focus': focus,
      '.Input--invalid': { borderColor: of('bad'), boxShadow: `inset 0 0 0 1px ${of('bad')}`, color: of('ink') },
      '.Label': { color: of('ink'), fontSize: '14.4px', fontWeight: '600', marginBottom: '5px' },
      '.Error': { fontSize: '14px', marginTop: '5px' },
      '.Tab': { border: `1px solid ${of('line-strong')}`, boxShadow: 'none' },
      '.Tab:focus': focus,
      '.Tab--selected': { backgroundColor: of('accent-wash'), borderColor: of('accent') },
    },
  }
}

/** Within the time that a buyer waits. */
function soon(promise) {
  let timer
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), patienceMs)
  })
  return Promise.race([promise, over]).finally(() => clearTimeout(timer))
}

/** Of what confirming gave: `refused` where the buyer may try again here; where it is `unclear`, the shop must ask. */
function meaningOf({ error }) {
  if (error === undefined) return { is: 'confirmed', message: '' }
  // Stripe's form shows these at its fields.
  if (error.type === 'validation_error') return { is: 'refused', message: '' }
  const message = sentenceOf(error)
  return { is: error.type === 'card_error' || isUnauthenticated(error) ? 'refused' : 'unclear', message }
}

const isUnauthenticated = ({ code }) => code === 'payment_intent_authentication_failure'

const tryAgain = 'Nothing was charged: try again, or pay with another card.'

/** Stripe's own sentence, where it is one for buyers. */
function sentenceOf(error) {
  if (isUnauthenticated(error)) return `Your bank could not confirm that it was you. ${tryAgain}`
  return error.type === 'card_error' ? `${error.message} ${tryAgain}` : (error.message ?? unclear)
}

const unclear = 'That did not work. Try again, or pay with another card.'

/** The form of one page. `address`: where Stripe's script is. */
function stripeForm(address) {
  let loading = null
  let open = null

  /** False where it cannot be had: the next call tries again. */
  function load() {
    loading ??= soon(
      new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement('script'), { src: address })
        script.addEventListener('load', () => resolve(window.Stripe !== undefined))
        script.addEventListener('error', () => reject(new Error('not loaded')))
        document.head.append(script)
      }),
    )
      .catch(() => false)
      .then(isLoaded => {
        if (!isLoaded) loading = null
        return isLoaded
      })
    return loading
  }

  function close() {
    open?.element.destroy()
    open = null
  }

  /** Puts it into `node` for a payment, unless it is there already. Gives what is in the way: `script`, `form`, or null. */
  async function show({ payment, publishable_key: key, client_secret: clientSecret }, node, billingDetails) {
    if (open?.payment === payment) return null
    close()
    if (!(await load())) return 'script'
    try {
      const stripe = window.Stripe(key)
      const { lang: locale } = document.documentElement
      // What stands here until it is ready is the page's own.
      const elements = stripe.elements({ clientSecret, appearance: appearance(), locale, loader: 'never' })
      const element = elements.create('payment', { defaultValues: { billingDetails } })
      open = { payment, stripe, elements, element, clientSecret }
      const ready = new Promise((resolve, reject) => {
        element.on('ready', resolve)
        element.on('loaderror', ({ error }) => reject(new Error(error?.message)))
      })
      element.mount(node)
      await soon(ready)
      return null
    } catch {
      close()
      return 'form'
    }
  }

  dark.addEventListener('change', () => open?.elements.update({ appearance: appearance() }))

  async function asked(question) {
    try {
      return meaningOf(await question)
    } catch {
      return { is: 'unclear', message: unclear }
    }
  }

  return {
    load,
    show,
    close,
    focus: () => open?.element.focus(),
    /** The payment it is open for, or null. */
    payment: () => open?.payment ?? null,
    /** Takes what the buyer entered. Where a bank wants to see the buyer, the page may be left for it. */
    confirm: returnUrl =>
      asked(
        open.stripe.confirmPayment({
          elements: open.elements,
          confirmParams: { return_url: returnUrl },
          redirect: 'if_required',
        }),
      ),
    /** Goes on with what the bank still waits for. */
    goOn: () => asked(open.stripe.handleNextAction({ clientSecret: open.clientSecret })),
    /** How the last attempt ended, for a buyer who comes back: what was wrong, and whether the bank still waits. */
    async told() {
      const { paymentIntent } = await open.stripe.retrievePaymentIntent(open.clientSecret).catch(() => ({}))
      const error = paymentIntent?.last_payment_error
      return { message: error ? sentenceOf(error) : '', isWaiting: paymentIntent?.status === 'requires_action' }
    },
  }
}

globalThis.holdfast.stripeForm = stripeForm
