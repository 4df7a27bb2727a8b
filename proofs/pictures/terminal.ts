/**
 * `npm run pictures:terminal -- in.ansi out.png [line-height]`: a picture of a terminal, from the output of
 * `tmux capture-pane -e -p`. The line height is in pixels, default 19; 16 leaves no gaps between lines.
 */
import { readFile } from 'node:fs/promises'
import { withChromium } from './chromium.ts'

const palette = ['#2e3440', '#f47067', '#6bc46d', '#daaa3f', '#6cb6ff', '#dcbdfb', '#56d4dd', '#d3dae3']
const bright = ['#768390', '#ff938a', '#8ddb8c', '#f0c74a', '#96d0ff', '#eedcff', '#76e3ea', '#ffffff']

interface Style {
  colour: string | null
  background: string | null
  bold: boolean
  dim: boolean
}
const plain: Style = { colour: null, background: null, bold: false, dim: false }

/** Applies the codes of one escape sequence to a style. Supports the sixteen named colours only. */
function styled(style: Style, codes: readonly number[]): Style {
  let next = { ...style }
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0
    const named = (from: number) => [...palette, ...bright][from] ?? null
    if (code === 0) next = { ...plain }
    else if (code === 1) next.bold = true
    else if (code === 2) next.dim = true
    else if (code === 22) Object.assign(next, { bold: false, dim: false })
    else if (code >= 30 && code <= 37) next.colour = named(code - 30)
    else if (code >= 90 && code <= 97) next.colour = named(code - 90 + 8)
    else if (code === 39) next.colour = null
    else if (code >= 40 && code <= 47) next.background = named(code - 40)
    else if (code === 49) next.background = null
    else if (code === 38 || code === 48) {
      if (codes[index + 1] === 5) next[code === 38 ? 'colour' : 'background'] = named(codes[index + 2] ?? 0)
      index += codes[index + 1] === 5 ? 2 : 4
    }
  }
  return next
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** One span per run of text with one style. */
function htmlOf(ansi: string): string {
  let style = plain
  const html: string[] = []
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals
  for (const part of ansi.trimEnd().split(/(\u001b\[[\d;]*m)/)) {
    if (part.startsWith('\u001b[')) {
      style = styled(style, part.slice(2, -1).split(';').map(Number))
      continue
    }
    const css = [
      ...(style.colour === null ? [] : [`color:${style.colour}`]),
      ...(style.background === null ? [] : [`background:${style.background}`]),
      ...(style.bold ? ['font-weight:700;color:#fff'] : []),
      ...(style.dim ? ['opacity:.6'] : []),
    ]
    html.push(css.length === 0 ? escaped(part) : `<span style="${css.join(';')}">${escaped(part)}</span>`)
  }
  return html.join('')
}

const page = (body: string, lineHeight: string) => `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: #fff; display: inline-block }
  figure { margin: 0; background: #1c2128; border-radius: 10px; padding: 14px 22px 20px; display: inline-block }
  i { display: inline-block; width: 11px; height: 11px; border-radius: 50%; background: #444c56; margin: 0 6px 12px 0 }
  pre { margin: 0; color: #adbac7; font: 14px/${lineHeight}px 'DejaVu Sans Mono', monospace }
</style><figure><i></i><i></i><i></i><pre>${body}</pre></figure>`

const [input, output, lineHeight = '19'] = process.argv.slice(2)
if (input === undefined || output === undefined)
  throw new Error('usage: npm run pictures:terminal -- in.ansi out.png [line-height]')
await withChromium(async browser => {
  const view = await browser.newPage({ viewport: { width: 1600, height: 400 }, deviceScaleFactor: 1.5 })
  await view.setContent(page(htmlOf(await readFile(input, 'utf8')), lineHeight))
  await view.locator('figure').screenshot({ path: output, omitBackground: true })
})
