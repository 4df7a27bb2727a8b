/** Creditor references and IBANs are accepted as people type them, and refused if mistyped. */
import { describe, expect, test } from 'vitest'
import { inGroups, readIban, readReference } from '../../src/domain/creditor-reference.ts'

describe('a creditor reference', () => {
  test('is normalized from the spelling of the standard, with spaces, and in lower case', () => {
    expect(readReference('RF18 5390 0754 7034')).toBe('RF18539007547034')
    expect(readReference(' rf18-5390 07547034')).toBe('RF18539007547034')
    expect(inGroups('RF18539007547034')).toBe('RF18 5390 0754 7034')
  })

  test('is refused with any wrong digit and with any two neighbours swapped', () => {
    const good = 'RF18539007547034'
    for (let at = 4; at < good.length; at += 1) {
      for (const digit of '0123456789') {
        if (digit !== good[at]) expect(readReference(good.slice(0, at) + digit + good.slice(at + 1))).toBeNull()
      }
      const [one, two] = [good[at - 1], good[at]]
      if (at > 4 && one !== two) {
        expect(readReference(`${good.slice(0, at - 1)}${two}${one}${good.slice(at + 1)}`)).toBeNull()
      }
    }
  })

  test.each(['', 'RF', 'RF18', 'RF1853900754703X', 'DE18539007547034', 'RF185390075470345390075470345', 'RF18 ٥٣٩٠'])(
    '%j is none',
    text => {
      expect(readReference(text)).toBeNull()
    },
  )
})

test('an IBAN is normalized, and refused with a wrong digit', () => {
  expect(readIban('DE89 3704 0044 0532 0130 00')).toBe('DE89370400440532013000')
  expect(readIban('gb82 west 1234 5698 7654 32')).toBe('GB82WEST12345698765432')
  expect(readIban('DE89 3704 0044 0532 0130 01')).toBeNull()
})
