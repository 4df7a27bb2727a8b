import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainHtml } from '../../src/pages/plain-html.ts'

const clean = (source: string) => plainHtml(source).toString()

describe('product descriptions', () => {
  it('keep plain markup', () => {
    expect(clean('<p>Soft &amp; <strong>strong</strong></p><ul><li>one</li></ul>')).toBe(
      '<p>Soft &amp; <strong>strong</strong></p><ul><li>one</li></ul>',
    )
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<p onclick="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<style>body{display:none}</style>',
    '<svg/onload=alert(1)>',
    '<!-- <script>alert(1) -->',
    '<scr<script></script>ipt>alert(1)</script>',
    '<p title=">" onclick="alert(1)">',
    '<div',
  ])('lose all other markup: %s', source => {
    expect(clean(source)).not.toMatch(/<(?!\/?(p|ul|li|strong)>)|\bon\w+=[^ ]*>/)
  })

  it('never contain a tag with attributes or an unknown tag', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      'p',
      ' ',
      'script',
      '/',
      '=',
      'onload',
      '<p>',
      '<p x="',
      '<!--',
      '-->',
      '</script>',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), pieces => {
        for (const [tag] of clean(pieces.join('')).matchAll(/<[^>]*>?/g)) expect(tag).toMatch(/^<\/?p>$/)
      }),
      { numRuns: 2_000 },
    )
  })
})
