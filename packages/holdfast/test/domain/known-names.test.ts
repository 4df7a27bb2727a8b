/** Checks of names in filters. */
import { expect, test } from 'vitest'
import { checkKnownName } from '../../src/domain/known-names.ts'

test('a known name passes', () => expect(() => checkKnownName('listener', 'b', ['a', 'b'])).not.toThrow())

test('an unknown name is refused with the known names, each once and in order', () => {
  expect(() => checkKnownName('gateway', 'c', ['b', 'a', 'b'])).toThrow('unknown gateway "c"; known gateways: a, b')
  expect(() => checkKnownName('listener', 'c', [])).toThrow('unknown listener "c"; no listener is known')
})

test('a refusal lists at most 50 names', () => {
  const names = Array.from({ length: 52 }, (_, index) => `n${index}`)
  expect(() => checkKnownName('listener', 'c', names)).toThrow(/, and 2 more$/)
})
