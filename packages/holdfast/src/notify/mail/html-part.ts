/**
 * The HTML part of an email, within the limits of mail programs: tables, styles on elements, no external resources. A style
 * sheet in the head adds dark colours and narrow screens; without it, the email is complete and light. `html` escapes all
 * data.
 */
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { MailBlock, MailContent, MailItem, MailRow, MailShop } from './content.ts'

type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

const light = { ground: '#f3f4f6', raised: '#ffffff', ink: '#1b2128', soft: '#58626d', line: '#dde1e6' }
const dark = { ground: '#13161a', raised: '#1c2127', ink: '#e9ecef', soft: '#a5aeb8', line: '#343b44' }
/** Buttons, and the strip at the top. */
const accent = { light: '#1f5fbf', lightInk: '#ffffff', dark: '#8ab4f8', darkInk: '#0f1f38' }
/** The same for emails with the tone `alert`. */
const alert = { light: '#a0231a', dark: '#ff9a8d' }

const serif = "'Iowan Old Style','Palatino Linotype',Palatino,'Book Antiqua',Georgia,serif"
const sans = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

/** The rules for dark mode. Outlook on the web needs them again, in the scope of its own attribute. */
const darkRules = (scope: string) =>
  [
    `${scope}.ground{background-color:${dark.ground}!important}`,
    `${scope}.raised{background-color:${dark.raised}!important;border-color:${dark.line}!important}`,
    `${scope}.ink{color:${dark.ink}!important}`,
    `${scope}.soft{color:${dark.soft}!important}`,
    `${scope}.line{border-color:${dark.line}!important}`,
    `${scope}.alert{color:${alert.dark}!important}`,
    `${scope}.strip{background-color:${accent.dark}!important}`,
    `${scope}.strip-alert{background-color:${alert.dark}!important}`,
    `${scope}.button{background-color:${accent.dark}!important}`,
    `${scope}.button-ink{color:${accent.darkInk}!important}`,
  ].join('\n')

const sheet = raw(`:root{color-scheme:light dark;supported-color-schemes:light dark}
body{margin:0;padding:0;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}
table{border-collapse:separate;mso-table-lspace:0;mso-table-rspace:0}
a{color:inherit}
@media (prefers-color-scheme:dark){
${darkRules('')}
}
${darkRules('[data-ogsc] ')}
@media (max-width:520px){
.outer{padding:18px 0 28px!important}
.raised{border-left:0!important;border-right:0!important;border-radius:0!important}
.strip,.strip-alert{border-radius:0!important}
.gutter{padding-left:22px!important;padding-right:22px!important}
.title{font-size:27px!important}
.column{display:block!important;width:100%!important;box-sizing:border-box;padding-right:0!important}
}`)

/** Invisible characters that keep an inbox from showing the body after the preheader. */
const filler = raw('&#847;&zwnj;&nbsp;'.repeat(60))

const text = (size: number, more = '') => `font:${size}px/1.5 ${sans};${more}`
const ink = `color:${light.ink};`
const soft = `color:${light.soft};`
const cell = (top: number, bottom: number) => `padding:${top}px 40px ${bottom}px;`

/** A row of the panel. */
const section = (top: number, bottom: number, inner: Markup): Markup =>
  html`<tr><td class="gutter" style="${cell(top, bottom)}">${inner}</td></tr>`

const table = (rows: Markup[]): Markup =>
  html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">${rows}</table>`

const heading = (title: string): Markup =>
  html`<h2 class="ink" style="margin:0 0 6px;${text(14, ink)}font-weight:600">${title}</h2>`

function item({ title, details, amount }: MailItem): Markup {
  const border = `border-top:1px solid ${light.line};`
  return html`<tr><td class="line" valign="top" style="padding:13px 16px 13px 0;${border}"><div class="ink" style="${text(16, ink)}font-weight:600;word-break:break-word">${title}</div>${details.map(
    detail => html`<div class="soft" style="${text(14, soft)}word-break:break-word">${detail}</div>`,
  )}</td><td class="line ink" align="right" valign="top" style="padding:13px 0;${border}${text(16, ink)}white-space:nowrap">${amount ?? ''}</td></tr>`
}

function figure({ label, value, isGrand = false }: MailRow): Markup {
  return isGrand
    ? html`<tr><td class="line ink" valign="bottom" style="padding:16px 16px 0 0;border-top:1px solid ${light.line};${text(16, ink)}font-weight:600">${label}</td><td class="line ink" align="right" valign="bottom" style="padding:16px 0 0;border-top:1px solid ${light.line};font:600 26px/1.15 ${serif};${ink}white-space:nowrap">${value}</td></tr>`
    : html`<tr><td class="soft" valign="top" style="padding:0 16px 6px 0;${text(15, soft)}">${label}</td><td class="ink" align="right" valign="top" style="padding:0 0 6px;${text(15, ink)}white-space:nowrap">${value}</td></tr>`
}

const fact = ({ label, value, isGrand = false }: MailRow): Markup =>
  html`<tr><td class="soft" valign="top" style="padding:0 20px 6px 0;${text(15, soft)}white-space:nowrap">${label}</td><td class="ink" width="100%" valign="top" style="padding:0 0 6px;${text(15, ink)}${isGrand ? 'font-weight:600;' : ''}word-break:break-word">${value}</td></tr>`

const lines = (given: readonly string[]): Markup[] => given.map(line => html`${line}<br>`)

function button(label: string, url: string): Markup {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="button" align="center" bgcolor="${accent.light}" style="background-color:${accent.light};border-radius:6px"><a class="button-ink" href="${url}" target="_blank" rel="noopener" style="display:inline-block;padding:13px 26px;${text(16)}font-weight:600;color:${accent.lightInk};text-decoration:none">${label}</a></td></tr></table>`
}

function block(given: MailBlock): Markup {
  switch (given.kind) {
    case 'paragraph':
      return section(0, 20, html`<p class="ink" style="margin:0;${text(16, ink)}">${given.text}</p>`)
    case 'items':
      return section(
        8,
        0,
        html`${given.title === undefined ? '' : heading(given.title)}${table(given.items.map(item))}`,
      )
    case 'figures':
      return html`<tr><td class="gutter" style="${cell(0, 28)}"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td class="line" colspan="2" height="14" style="border-top:1px solid ${light.line};font-size:0;line-height:14px">&nbsp;</td></tr>${given.rows.map(figure)}</table></td></tr>`
    case 'facts':
      return section(
        2,
        14,
        html`${given.title === undefined ? '' : heading(given.title)}${table(given.rows.map(fact))}`,
      )
    case 'columns':
      return section(
        4,
        8,
        html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>${given.columns.map(
          ({ title, lines: column }) =>
            html`<td class="column" width="${Math.floor(100 / given.columns.length)}%" valign="top" style="padding:0 20px 20px 0">${heading(title)}<div class="soft" style="${text(15, soft)}word-break:break-word">${lines(column)}</div></td>`,
        )}</tr></table>`,
      )
    case 'quote':
      return section(
        4,
        28,
        html`${heading(given.title)}<div class="soft line" style="padding-left:14px;border-left:3px solid ${light.line};${text(15, soft)}word-break:break-word">${lines(given.text.split('\n'))}</div>`,
      )
    case 'button':
      return section(4, 32, button(given.label, given.url))
    default:
      return given satisfies never
  }
}

/** Markup for Outlook for Windows, which otherwise makes the panel as wide as the window. */
const ghost = {
  opens: raw(
    '<!--[if mso]><table role="presentation" align="center" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->',
  ),
  closes: raw('<!--[if mso]></td></tr></table><![endif]-->'),
}

function shopLink({ name, baseUrl }: MailShop): Markup {
  return baseUrl === null
    ? html`${name}`
    : html`<a class="ink" href="${baseUrl}" target="_blank" rel="noopener" style="${ink}text-decoration:none">${name}</a>`
}

export async function mailHtml(content: MailContent, shop: MailShop): Promise<string> {
  const isAlert = content.tone === 'alert'
  const strip = isAlert ? alert.light : accent.light
  const page = await html`<!doctype html>
<html lang="${shop.copy.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<meta name="x-apple-disable-message-reformatting">
<title>${content.subject}</title>
<style>${sheet}</style>
</head>
<body class="ground" style="margin:0;padding:0;background-color:${light.ground}">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all;font-size:1px;line-height:1px;color:${light.ground}">${content.preheader}${filler}</div>
<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="${light.ground}" style="background-color:${light.ground}"><tr><td class="outer" align="center" style="padding:28px 16px 40px">
${ghost.opens}<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">
<tr><td class="gutter ink" align="left" style="padding:4px 4px 18px;font:600 22px/1.2 ${serif};${ink}">${shopLink(shop)}</td></tr>
<tr><td class="raised" bgcolor="${light.raised}" style="background-color:${light.raised};border:1px solid ${light.line};border-radius:9px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="${isAlert ? 'strip-alert' : 'strip'}" height="6" bgcolor="${strip}" style="height:6px;background-color:${strip};border-radius:8px 8px 0 0;font-size:0;line-height:0">&nbsp;</td></tr>
${section(34, 16, html`<p class="${isAlert ? 'alert' : 'soft'}" style="margin:0 0 10px;${text(13, isAlert ? `color:${alert.light};` : soft)}letter-spacing:.08em;text-transform:uppercase">${content.eyebrow}</p><h1 class="title ink" style="margin:0;font:600 32px/1.15 ${serif};${ink}letter-spacing:-.01em;word-break:break-word">${content.title}</h1>`)}
${content.blocks.map(block)}
<tr><td height="8" style="height:8px;font-size:0;line-height:0">&nbsp;</td></tr>
</table></td></tr>
<tr><td class="gutter soft" align="left" style="padding:20px 4px 0;${text(13, soft)}">${content.reason}</td></tr>
</table>${ghost.closes}
</td></tr></table>
</body>
</html>`
  return page.toString()
}
