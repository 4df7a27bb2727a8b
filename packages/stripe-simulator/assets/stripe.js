// A stand-in for Stripe.js, which the Stripe simulator serves to browsers: the calls of Stripe.js with a plain form
// instead of frames. It uses the simulator's API with the publishable key and the payment's client secret only.

;(() => {
  const { origin } = new URL(document.currentScript.src)

  const testCards = [
    ['Approved', '4242424242424242'],
    ['Declined', '4000000000000002'],
    ['No funds', '4000000000009995'],
    ['Expired', '4000000000000069'],
    ['3-D Secure', '4000002760003184'],
    ['3-D Secure, declined', '4000008400001629'],
  ]

  class IntegrationError extends Error {
    name = 'IntegrationError'
  }

  // ── The simulator's API ──────────────────────────────────────────────────────

  const unreachable = {
    type: 'api_connection_error',
    message:
      'We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.',
  }

  /** Encodes nested fields as Stripe does: `card[number]`. */
  function formOf(fields, path = '') {
    return Object.entries(fields).flatMap(([name, value]) => {
      const inner = path === '' ? name : `${path}[${name}]`
      if (value === undefined || value === null || value === '') return []
      return typeof value === 'object' ? formOf(value, inner) : [[inner, String(value)]]
    })
  }

  async function call(method, path, fields) {
    const form = new URLSearchParams(formOf(fields))
    try {
      const response = await (method === 'GET'
        ? fetch(`${origin}${path}?${form}`)
        : fetch(`${origin}${path}`, { method, body: form }))
      const body = await response.json()
      return response.ok ? { paymentIntent: body } : { error: body.error }
    } catch {
      return { error: unreachable }
    }
  }

  const intentOf = clientSecret => `/v1/payment_intents/${encodeURIComponent(clientSecret.split('_secret_')[0])}`

  /** Redirects to the bank if it requires the buyer; the promise then never resolves. */
  function follow({ paymentIntent, error }) {
    if (error !== undefined) return { error }
    const { next_action: next } = paymentIntent
    const url = next?.redirect_to_url?.url ?? next?.use_stripe_sdk?.stripe_js
    if (paymentIntent.status !== 'requires_action' || url === undefined) return { paymentIntent }
    location.assign(url)
    return new Promise(() => {})
  }

  // ── The form ─────────────────────────────────────────────────────────────────

  const plain = {
    colorPrimary: '#0570de',
    colorBackground: '#ffffff',
    colorText: '#30313d',
    colorTextSecondary: '#6d6e78',
    colorTextPlaceholder: '#757680',
    colorDanger: '#df1b41',
    fontFamily: 'system-ui, sans-serif',
    fontSizeBase: '16px',
    borderRadius: '5px',
    gridRowSpacing: '12px',
    gridColumnSpacing: '12px',
  }

  const kebab = name => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  const declared = style =>
    Object.entries(style)
      .map(([name, value]) => `${kebab(name)}: ${value}`)
      .join('; ')

  /** Variables and rules of the Appearance API; rules name the same classes as in Stripe's form. */
  function styleOf({ variables = {}, rules = {} }) {
    const look = { ...plain, ...variables }
    return `:host { display: block; font: ${look.fontSizeBase}/1.5 ${look.fontFamily}; color: ${look.colorText} }
      .fields { display: grid; grid-template-columns: 1fr 1fr; gap: ${look.gridRowSpacing} ${look.gridColumnSpacing} }
      .wide { grid-column: 1 / -1 }
      .Label { display: block; font-size: 0.93em; margin-bottom: 4px; color: ${look.colorText} }
      .Input { box-sizing: border-box; width: 100%; font: inherit; color: inherit; padding: 12px;
        background: ${look.colorBackground}; border: 1px solid #e6e6e6; border-radius: ${look.borderRadius};
        font-variant-numeric: tabular-nums }
      .Input::placeholder { color: ${look.colorTextPlaceholder}; opacity: 1 }
      .Error { color: ${look.colorDanger}; font-size: 0.93em; margin: 4px 0 0 }
      .cards { border: 1px dashed ${look.colorTextSecondary}; border-radius: ${look.borderRadius}; padding: 10px 12px 12px;
        margin: 0 0 ${look.gridRowSpacing} }
      .cards legend { padding: 0 6px; font-size: 0.85em; color: ${look.colorTextSecondary} }
      .cards div { display: flex; flex-wrap: wrap; gap: 8px }
      .card { font: inherit; font-size: 0.88em; color: inherit; background: none; cursor: pointer; padding: 5px 11px;
        border: 1px solid ${look.colorTextSecondary}; border-radius: 999px }
      .card:hover { border-color: ${look.colorText} }
      .card[aria-pressed=true] { background: ${look.colorText}; color: ${look.colorBackground}; border-color: ${look.colorText} }
      .card:focus-visible { outline: 3px solid ${look.colorPrimary}; outline-offset: 2px }
      ${Object.entries(rules)
        .map(([selector, style]) => `${selector} { ${declared(style)} }`)
        .join('\n')}`
  }

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag)
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
    node.append(...children)
    return node
  }

  const digitsOf = text => text.replace(/\D/g, '')
  const grouped = text =>
    digitsOf(text)
      .slice(0, 19)
      .replace(/(.{4})(?=.)/g, '$1 ')
  function expiryOf(text) {
    const digits = digitsOf(text).slice(0, 4)
    return digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits
  }

  const fields = {
    number: {
      label: 'Card number',
      placeholder: '1234 1234 1234 1234',
      autocomplete: 'cc-number',
      shaped: grouped,
      wrong: text => (digitsOf(text).length < 12 ? ['incomplete_number', 'Your card number is incomplete.'] : null),
    },
    expiry: {
      label: 'Expiration date',
      placeholder: 'MM / YY',
      autocomplete: 'cc-exp',
      shaped: expiryOf,
      wrong: text =>
        digitsOf(text).length < 4 ? ['incomplete_expiry', "Your card's expiration date is incomplete."] : null,
    },
    cvc: {
      label: 'Security code',
      placeholder: 'CVC',
      autocomplete: 'cc-csc',
      shaped: text => digitsOf(text).slice(0, 4),
      wrong: text =>
        digitsOf(text).length < 3 ? ['incomplete_cvc', "Your card's security code is incomplete."] : null,
    },
  }

  /** One field with its label and its error. */
  function fieldOf(name, changed) {
    const { label, placeholder, autocomplete, shaped, wrong } = fields[name]
    const input = make('input', { id: name, class: 'Input', inputmode: 'numeric', placeholder, autocomplete })
    const error = make('p', { id: `${name}-error`, class: 'Error', hidden: '' })
    function mark(found) {
      input.classList.toggle('Input--invalid', found !== null)
      error.hidden = found === null
      error.textContent = found?.[1] ?? ''
      if (found === null) for (const name of ['aria-invalid', 'aria-describedby']) input.removeAttribute(name)
      else {
        input.setAttribute('aria-invalid', 'true')
        input.setAttribute('aria-describedby', error.id)
      }
    }
    input.addEventListener('input', () => {
      input.value = shaped(input.value)
      mark(null)
      changed()
    })
    input.addEventListener('blur', () => input.value !== '' && mark(wrong(input.value)))
    const node = make('div', { class: name === 'number' ? 'wide' : '' })
    node.append(make('label', { class: 'Label', for: name }, label), input, error)
    return {
      node,
      input,
      digits: () => digitsOf(input.value),
      set(text) {
        input.value = shaped(text)
        mark(null)
      },
      check() {
        const found = wrong(input.value)
        mark(found)
        return found
      },
    }
  }

  function cardForm(changed) {
    const all = Object.fromEntries(Object.keys(fields).map(name => [name, fieldOf(name, pressed)]))
    const buttons = testCards.map(([name, number]) => {
      const button = make('button', { type: 'button', class: 'card', 'aria-pressed': 'false' }, name)
      button.addEventListener('click', () => {
        all.number.set(number)
        all.expiry.set(`12${String(new Date().getFullYear() + 3).slice(2)}`)
        all.cvc.set('123')
        pressed()
      })
      return [button, number]
    })
    function pressed() {
      for (const [button, number] of buttons)
        button.setAttribute('aria-pressed', String(all.number.digits() === number))
      changed()
    }
    const row = make('div', {}, ...buttons.map(([button]) => button))
    const cards = make('fieldset', { class: 'cards' }, make('legend', {}, 'Simulated Stripe: test cards'), row)
    const grid = make('div', { class: 'fields' }, ...Object.values(all).map(({ node }) => node))
    return {
      nodes: [cards, grid],
      focus: () => all.number.input.focus(),
      /** Null if all fields are complete; else the first error, which is also shown at its field. */
      check() {
        const wrong = Object.values(all).map(field => ({ field, found: field.check() }))
        const first = wrong.find(({ found }) => found !== null)
        if (first === undefined) return null
        first.field.input.focus()
        const [code, message] = first.found
        return { type: 'validation_error', code, message }
      },
      data: billing_details => ({
        type: 'card',
        card: {
          number: all.number.digits(),
          exp_month: Number(all.expiry.digits().slice(0, 2)),
          exp_year: 2000 + Number(all.expiry.digits().slice(2)),
          cvc: all.cvc.digits(),
        },
        billing_details,
      }),
    }
  }

  // ── Elements ─────────────────────────────────────────────────────────────────

  const over = ['processing', 'requires_capture', 'succeeded', 'canceled']
  const terminal = {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: 'This PaymentIntent is in a terminal state and cannot be used to initialize Elements.',
  }

  function paymentElement(group, { defaultValues = {} }) {
    const handlers = new Map()
    const host = make('div')
    const root = host.attachShadow({ mode: 'open', delegatesFocus: true })
    root.adoptedStyleSheets = [group.sheet]
    const emit = (name, event) => handlers.get(name)?.forEach(handler => void handler(event))
    const form = cardForm(() => emit('change', { elementType: 'payment', empty: false, complete: false }))
    return {
      form,
      billingDetails: defaultValues.billingDetails,
      on(name, handler) {
        handlers.set(name, [...(handlers.get(name) ?? []), handler])
        return this
      },
      mount(where) {
        const node = typeof where === 'string' ? document.querySelector(where) : where
        if (node === null) throw new IntegrationError('The selector you specified applies to no DOM elements.')
        node.replaceChildren(host)
        group.retrieve().then(({ paymentIntent, error }) => {
          const wrong = error ?? (over.includes(paymentIntent.status) ? terminal : undefined)
          if (wrong !== undefined) return emit('loaderror', { elementType: 'payment', error: wrong })
          root.replaceChildren(...form.nodes)
          emit('ready', { elementType: 'payment' })
        })
      },
      unmount: () => host.remove(),
      destroy() {
        host.remove()
        group.element = null
      },
      focus: form.focus,
    }
  }

  function elementsOf(retrieve, { clientSecret, appearance = {} }) {
    if (typeof clientSecret !== 'string') {
      throw new IntegrationError(
        'The simulator requires clientSecret: it supports only elements of an existing payment.',
      )
    }
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(styleOf(appearance))
    const group = { clientSecret, sheet, element: null, retrieve: () => retrieve(clientSecret) }
    return {
      group,
      create(type, options = {}) {
        if (type !== 'payment') throw new IntegrationError(`The simulator has no element of type ${type}.`)
        if (group.element !== null) throw new IntegrationError('A payment element already exists.')
        group.element = paymentElement(group, options)
        return group.element
      },
      getElement: type => (type === 'payment' ? group.element : null),
      update: options => options.appearance && sheet.replaceSync(styleOf(options.appearance)),
      async submit() {
        const error = group.element?.form.check() ?? null
        return error === null ? {} : { error }
      },
    }
  }

  // ── Stripe ───────────────────────────────────────────────────────────────────

  function Stripe(publishableKey) {
    if (!/^pk_test_\w+$/.test(publishableKey ?? '')) {
      throw new IntegrationError('The simulator requires a publishable test key: pk_test_…')
    }
    const retrieve = clientSecret =>
      call('GET', intentOf(clientSecret), { key: publishableKey, client_secret: clientSecret })

    async function confirmPayment({ elements, clientSecret, confirmParams = {}, redirect = 'always' }) {
      const element = elements?.getElement('payment') ?? null
      if (element === null) throw new IntegrationError('elements should have a mounted Payment Element.')
      const secret = clientSecret ?? elements.group.clientSecret
      const error = element.form.check()
      if (error !== null) return { error }
      const { return_url, payment_method_data } = confirmParams
      const billing = { ...element.billingDetails, ...payment_method_data?.billing_details }
      const confirmed = await follow(
        await call('POST', `${intentOf(secret)}/confirm`, {
          key: publishableKey,
          client_secret: secret,
          return_url,
          payment_method_data: element.form.data(billing),
        }),
      )
      if (confirmed.error !== undefined || redirect === 'if_required') return confirmed
      const address = new URL(return_url)
      address.searchParams.set('payment_intent', confirmed.paymentIntent.id)
      address.searchParams.set('payment_intent_client_secret', secret)
      address.searchParams.set('redirect_status', 'succeeded')
      location.assign(address)
      return new Promise(() => {})
    }

    return {
      elements: options => elementsOf(retrieve, options ?? {}),
      confirmPayment,
      retrievePaymentIntent: retrieve,
      handleNextAction: async ({ clientSecret }) => follow(await retrieve(clientSecret)),
    }
  }

  window.Stripe = Stripe
})()
