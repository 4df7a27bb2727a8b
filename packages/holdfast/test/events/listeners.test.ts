import { expect, test } from 'vitest'
import { createListeners, type ListenerMap } from '../../src/events/listeners.ts'

function trackCheckoutStart() {}
function updateInventory() {}

test('a map of events registers its named functions in order', () => {
  const sendOrderConfirmation = async () => {}
  const listeners = createListeners({
    CheckoutStarted: [trackCheckoutStart],
    CheckoutCompleted: [sendOrderConfirmation, updateInventory],
  })
  expect(listeners.namesFor('CheckoutCompleted')).toEqual(['sendOrderConfirmation', 'updateInventory'])
  expect(listeners.namesFor('CheckoutFailed')).toEqual([])
  expect(listeners.find('CheckoutStarted', 'trackCheckoutStart')).toMatchObject({ retriesMax: 10, timeoutMs: 30_000 })
  expect(listeners.find('CheckoutCompleted', 'trackCheckoutStart')).toBeUndefined()
})

test('a listener with an explicit name and limits can be added later', () => {
  const listeners = createListeners()
  listeners.add('CheckoutFailed', {
    name: 'notify-slack',
    run: () => {},
    retriesMax: 2,
    timeoutMs: 500,
    concurrency: 1,
  })
  expect(listeners.find('CheckoutFailed', 'notify-slack')).toMatchObject({
    retriesMax: 2,
    timeoutMs: 500,
    concurrency: 1,
  })
})

test('each listener is typed with the event that it is registered for', () => {
  const map: ListenerMap = {
    CheckoutCompleted: [{ name: 'number', run: event => event.order.number }],
    CheckoutFailed: [{ name: 'code', run: event => event.failure.code }],
  }
  expect(createListeners(map).all()).toHaveLength(2)
})

test('a function without a name is refused, with a hint', () => {
  expect(() => createListeners({ CheckoutStarted: [() => {}] })).toThrow(
    /has no name.*named function or \{ name, run \}/,
  )
})

test('a name is unique per event, and may be used under two events', () => {
  expect(() => createListeners({ CheckoutStarted: [updateInventory, updateInventory] })).toThrow(
    'CheckoutStarted already has a listener named "updateInventory"',
  )
  expect(createListeners({ CheckoutStarted: [updateInventory], CheckoutFailed: [updateInventory] }).all()).toHaveLength(
    2,
  )
})

test('an unknown event, an invalid listener, and a limit out of range are refused', () => {
  expect(() => createListeners({ CheckoutStrated: [updateInventory] } as ListenerMap)).toThrow(
    /no event CheckoutStrated/,
  )
  expect(() => createListeners({ CheckoutStarted: [null] } as unknown as ListenerMap)).toThrow(/must be a function/)
  expect(() => createListeners({ CheckoutStarted: [{ name: ' ', run() {} }] })).toThrow(/name of 1 to 200/)
  for (const name of ['mail: new order', 'größe', '-x', '.x', 'a/b', 'a"b'])
    expect(() => createListeners({ CheckoutStarted: [{ name, run() {} }] }), name).toThrow(/invalid listener name/)
  for (const name of ['mail.new-order', 'erp_2', 'sendOrderConfirmation', '_internal', '3pl'])
    expect(createListeners({ CheckoutStarted: [{ name, run() {} }] }).namesFor('CheckoutStarted')).toEqual([name])
  expect(() => createListeners({ CheckoutStarted: [{ name: 'x', run() {}, timeoutMs: 0 }] })).toThrow(
    'timeoutMs of the listener "x" of CheckoutStarted must be an integer from 1 to 600000, not 0',
  )
})
