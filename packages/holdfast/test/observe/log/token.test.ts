/** Tokens of payments in lines of the log: every kind that a buyer may send. */
import { expect, it } from 'vitest'
import { redact } from '../../../src/observe/log/redact.ts'

it.each(['tok_1Nabcdef', 'pm_1Nabcdef', 'ctoken_1Nabcdef', 'src_1Nabcdef'])('writes no %s down', token => {
  expect(redact(`No such payment: '${token}'`)).toBe(`No such payment: '[removed]'`)
})
