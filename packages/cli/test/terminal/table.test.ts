/** Tables and durations: readable, and at most as wide as the terminal with any content. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brief, formatDuration, when } from '../../src/terminal/duration.ts'
import { cell, cut, paint, table, widthOf } from '../../src/terminal/table.ts'

const id = '01989f0e-5c1a-7000-8000-2f1d7f3a9b10'
const plain = { colours: false }
const lines = (text: string) => text.trimEnd().split('\n')

describe('cell', () => {
  it('removes control characters, line breaks, and direction marks from a cell', () => {
    const text = cell('a\u001b[2Jb\r\nc\td\u009be\u202ef\u0000')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that must be removed
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    expect(text).toContain('b c d')
  })
})

describe('widthOf and cut', () => {
  it('measures terminal cells, not characters', () => {
    expect(widthOf(paint({ colours: true }, 'bad', 'café'))).toBe(4)
    expect(widthOf('日本')).toBe(4)
    expect(widthOf('e\u0301')).toBe(1)
  })

  it('cuts a text to the width and closes its colours', () => {
    expect(cut(paint({ colours: true }, 'bad', 'hello world'), 6)).toBe('\u001b[31mhello…\u001b[39m')
    expect(cut('日本語', 4)).toBe('日…')
    expect(cut('short', 5)).toBe('short')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 30 }), (text, width) => {
        expect(widthOf(cut(cell(text), width))).toBeLessThanOrEqual(width)
      }),
    )
  })
})

describe('table', () => {
  it('fits the terminal by wrapping texts, never IDs or numbers', () => {
    const rows = [[id, 'a message that is much longer than there is room for it', '1200']]
    const wrapped = lines(table({ ...plain, columns: 60 }, ['lock', 'message', 'count'], rows, { right: [2] }))
    expect(Math.max(...wrapped.map(widthOf))).toBeLessThanOrEqual(60)
    expect(wrapped[1]).toContain(id)
    expect(wrapped.join('\n')).toContain('1200')
    expect(wrapped.length).toBeGreaterThan(3)
    // In a pipe nothing wraps.
    expect(lines(table(plain, ['lock', 'message', 'count'], rows))).toHaveLength(2)
  })

  it('shrinks the columns of shrinkFirst before the others', () => {
    const [, row = ''] = lines(
      table({ ...plain, columns: 50 }, ['what', 'note'], [['what was done here', 'a note of many words to be read']], {
        shrinkFirst: [1],
      }),
    )
    expect(row).toMatch(/^what was done here {2}a note/)
  })

  it('prints no head line if all names are empty', () => {
    expect(lines(table(plain, ['', ''], [['a', 'b']]))).toEqual(['a  b'])
  })

  it('prints only the head if there are no rows', () => {
    expect(table(plain, ['a', 'b'], [])).toContain('a  b')
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [0.4, '0.4 ms'],
    [999.6, '1.0 s'],
    [4_200, '4.2 s'],
    [59_960, '1 m'],
    [119_999, '2 m'],
    [2_000, '2 s'],
    [192_000, '3 m 12 s'],
    [7_500_000, '2 h 5 m'],
    [273_600_000, '3 d 4 h'],
    [-5, '0 ms'],
  ])('prints %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('prints times relative to now, and short forms for narrow columns', () => {
    const now = '2026-11-22T10:00:00.000Z'
    expect(when('2026-11-22T10:00:05.000Z', now)).toBe('in 5 s')
    expect(when('2026-11-22T09:57:00.000Z', now)).toBe('3 m ago')
    expect([brief(49_400), brief(840_000), brief(3 * 3_600_000), brief(5 * 86_400_000)]).toEqual([
      '49 s',
      '14 m',
      '3 h',
      '5 d',
    ])
  })
})
