/** Payment tokens of every kind that a buyer may send are removed from log lines. */
import { expect, it } from 'vitest'
import { redact } from '../../../src/observe/log/redact.ts'

it.each(['tok_1Nabcdef', 'pm_1Nabcdef', 'ctoken_1Nabcdef', 'src_1Nabcdef'])(
  'the token %s is removed from a log line',
  token => {
    expect(redact(`No such payment: '${token}'`)).toBe(`No such payment: '[removed]'`)
  },
)
