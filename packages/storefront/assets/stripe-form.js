// Stripe's Payment Element in the payment step: loads Stripe's script and shows the form for one payment at a time, in
// the look of the shop. The client secret goes from the shop's response to Stripe's script and is not stored.

const { copy } = globalThis.holdfast
const text = copy.stripe
const timeoutMs = 20_000
const dark = matchMedia('(prefers-color-scheme: dark)')

/** The look of the shop, from the variables of the page. */
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

/** Rejects if `promise` has not settled after the timeout. */
function withTimeout(promise) {
  let timer
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), timeoutMs)
  })
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}

/**
 * The result of a confirmation. After `declined` the buyer may try again; after `unclear` the shop must query Stripe.
 */
function resultOf({ error }) {
  if (error === undefined) return { result: 'confirmed', message: '' }
  // Stripe's form shows these errors at its fields.
  if (error.type === 'validation_error') return { result: 'declined', message: '' }
  const message = messageOf(error)
  return { result: error.type === 'card_error' || isUnauthenticated(error) ? 'declined' : 'unclear', message }
}

const isUnauthenticated = ({ code }) => code === 'payment_intent_authentication_failure'

/** Stripe's own message if it is meant for buyers. */
function messageOf(error) {
  const { notCharged } = copy.checkout
  if (isUnauthenticated(error)) return `${notCharged} ${text.notAuthenticated} ${text.otherCard}`
  if (error.type === 'card_error') return `${notCharged} ${error.message} ${text.otherCard}`
  return error.message ?? text.failed
}

/** The form of one page. `url`: the URL of Stripe's script. */
function stripeForm(url) {
  let loading = null
  let open = null

  /** Gives false if the script cannot be loaded. The next call tries again. */
  function load() {
    loading ??= withTimeout(
      new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement('script'), { src: url })
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

  /**
   * Shows the form in `node`, unless it is already open for this payment. Gives what failed: `script`, `form`, or
   * null.
   */
  async function show({ payment, publishable_key: key, client_secret: clientSecret }, node, billingDetails) {
    if (open?.payment === payment) return null
    close()
    if (!(await load())) return 'script'
    try {
      const stripe = window.Stripe(key)
      const { lang: locale } = document.documentElement
      // The page shows its own placeholder until the form is ready.
      const elements = stripe.elements({ clientSecret, appearance: appearance(), locale, loader: 'never' })
      const element = elements.create('payment', { defaultValues: { billingDetails } })
      open = { payment, stripe, elements, element, clientSecret }
      const ready = new Promise((resolve, reject) => {
        element.on('ready', resolve)
        element.on('loaderror', ({ error }) => reject(new Error(error?.message)))
      })
      element.mount(node)
      await withTimeout(ready)
      return null
    } catch {
      close()
      return 'form'
    }
  }

  dark.addEventListener('change', () => open?.elements.update({ appearance: appearance() }))

  async function attempt(confirmation) {
    try {
      return resultOf(await confirmation)
    } catch {
      return { result: 'unclear', message: text.failed }
    }
  }

  return {
    load,
    show,
    close,
    focus: () => open?.element.focus(),
    /** The payment that the form is open for, or null. */
    payment: () => open?.payment ?? null,
    /** Submits the form. May leave the page for the bank's page. */
    confirm: returnUrl =>
      attempt(
        open.stripe.confirmPayment({
          elements: open.elements,
          confirmParams: { return_url: returnUrl },
          redirect: 'if_required',
        }),
      ),
    /** Continues a confirmation at the bank. */
    continueAtBank: () => attempt(open.stripe.handleNextAction({ clientSecret: open.clientSecret })),
    /** The result of the last attempt, for a buyer who returns: its error, and whether the bank still waits. */
    async lastAttempt() {
      const { paymentIntent } = await open.stripe.retrievePaymentIntent(open.clientSecret).catch(() => ({}))
      const error = paymentIntent?.last_payment_error
      return { message: error ? messageOf(error) : '', isWaiting: paymentIntent?.status === 'requires_action' }
    },
  }
}

globalThis.holdfast.stripeForm = stripeForm
