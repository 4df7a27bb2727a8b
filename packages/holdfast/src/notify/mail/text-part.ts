/** The plain text part of an email: the same content as the HTML part, wrapped at 72 characters where it can be broken. */
import type { MailBlock, MailContent, MailRow, MailShop } from './content.ts'

const width = 72

/** Wraps at spaces. A longer word stays whole, because it may be an address. */
function wrapped(text: string, indent = ''): string {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = indent
    for (const word of paragraph.split(' ')) {
      if (line.length > indent.length && line.length + 1 + word.length > width) {
        lines.push(line)
        line = indent
      }
      line += line.length > indent.length ? ` ${word}` : word
    }
    lines.push(line)
  }
  return lines.join('\n')
}

/** A row with its end at the right margin, or on the next line if there is no room. */
function row(start: string, end: string): string {
  const room = width - start.length - end.length
  return room >= 2 ? `${start}${' '.repeat(room)}${end}` : `${wrapped(start)}\n${end.padStart(width)}`
}

function facts(rows: readonly MailRow[]): string {
  const longest = Math.max(0, ...rows.map(({ label }) => label.length))
  return rows.map(({ label, value }) => `${`${label}:`.padEnd(longest + 2)}${value}`).join('\n')
}

const titled = (title: string, body: string) => `${title}\n${'-'.repeat(title.length)}\n${body}`

function block(given: MailBlock): string {
  switch (given.kind) {
    case 'paragraph':
      return wrapped(given.text)
    case 'items': {
      const items = given.items
        .map(({ title, details, amount }) =>
          [
            amount === undefined ? wrapped(title) : row(title, amount),
            ...details.map(line => wrapped(line, '  ')),
          ].join('\n'),
        )
        .join('\n\n')
      return given.title === undefined ? items : titled(given.title, items)
    }
    case 'figures':
      return given.rows
        .flatMap(({ label, value, isGrand = false }) =>
          isGrand ? ['-'.repeat(width), row(label, value)] : [row(label, value)],
        )
        .join('\n')
    case 'facts':
      return given.title === undefined ? facts(given.rows) : titled(given.title, facts(given.rows))
    case 'columns':
      return given.columns.map(({ title, lines }) => titled(title, lines.join('\n'))).join('\n\n')
    case 'quote':
      return titled(given.title, wrapped(given.text, '> '))
    case 'button':
      return `${given.label}:\n${given.url}`
    default:
      return given satisfies never
  }
}

export function mailText(content: MailContent, { name, baseUrl }: MailShop): string {
  const parts = [
    name,
    `${content.eyebrow}\n${wrapped(content.title)}`,
    ...content.blocks.map(block),
    `-- \n${[wrapped(content.reason), name, ...(baseUrl === null ? [] : [baseUrl])].join('\n')}`,
  ]
  return `${parts.join('\n\n')}\n`
}
