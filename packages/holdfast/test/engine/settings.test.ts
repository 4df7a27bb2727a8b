/** The numbers that an engine derives from its configuration. */
import { expect, test } from 'vitest'
import { defaultConfig } from '../../src/config/config.ts'
import { numbersOf } from '../../src/engine/settings.ts'

test.each([
  [4, 1_000],
  [20, 5_000],
  [40, 10_000],
  [3_600, 10_000],
])(
  'with a lease of %d seconds a gateway call may take %d ms: four fit into the lease, and none takes over 10 s',
  (leaseSeconds, gatewayTimeoutMs) => {
    expect(numbersOf({ ...defaultConfig, leaseSeconds })).toMatchObject({
      leaseMs: leaseSeconds * 1_000,
      gatewayTimeoutMs,
    })
  },
)

test('the option numbers replaces derived numbers one by one', () => {
  const derived = numbersOf(defaultConfig)
  expect(numbersOf(defaultConfig, { batchMax: 1, gatewayTimeoutMs: 7 })).toEqual({
    ...derived,
    batchMax: 1,
    gatewayTimeoutMs: 7,
  })
})
