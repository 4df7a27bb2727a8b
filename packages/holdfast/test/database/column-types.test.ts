/** Column values keep every digit, or throw. */
import { expect, test } from 'vitest'
import { columnParsers } from '../../src/database/column-types.ts'

const parse = (oid: number, text: string) => columnParsers[oid]?.(text)
const textArray = 1009
const bigint = 20
const bigintArray = 1016
const timestamptz = 1184

test('a text array keeps quotes, backslashes, commas, empty elements, and nested arrays', () => {
  expect(parse(textArray, '{}')).toEqual([])
  expect(parse(textArray, String.raw`{a,"b \"c\"","d\\e","f,g{}",""}`)).toEqual([
    'a',
    'b "c"',
    String.raw`d\e`,
    'f,g{}',
    '',
  ])
  expect(parse(textArray, '{NULL,"NULL"}')).toEqual([null, 'NULL'])
  expect(parse(textArray, '{{a,b},{c,d}}')).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})

test('the elements of an array are converted like single values', () => {
  expect(parse(bigintArray, '{1,NULL,-9007199254740991}')).toEqual([1, null, -9007199254740991])
  expect(parse(bigintArray, '[0:1]={1,2}')).toEqual([1, 2])
})

test('an integer beyond the safe range throws instead of losing digits', () => {
  for (const [oid, text] of [
    [bigint, '9007199254740993'],
    [bigintArray, '{9007199254740993}'],
  ] as const) {
    expect(() => parse(oid, text)).toThrow('integer 9007199254740993 is out of the range of safe integers')
  }
})

test('a timestamp becomes ISO 8601 in UTC with milliseconds', () => {
  expect(parse(timestamptz, '2026-11-24 17:27:13.198765+00')).toBe('2026-11-24T17:27:13.198Z')
  expect(parse(timestamptz, '2026-11-24 17:27:13+02:30')).toBe('2026-11-24T14:57:13.000Z')
  expect(parse(timestamptz, 'infinity')).toBe('infinity')
})
