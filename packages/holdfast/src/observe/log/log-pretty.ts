/** Lines for people at a terminal: time, level, words in a column, then what stands beside them; errors on lines of their own. */
import type { LogFields, LogLevel } from './levels.ts'

const tones: Readonly<Record<LogLevel, number>> = { debug: 35, info: 36, warn: 33, error: 31 }
const dim = 2
const messageWidth = 36
/** Whose line it is: comes last, for the eye looks for it last. */
const ids = ['lockId', 'cartId', 'orderId', 'requestId']

/** Of a checkout its own id is enough at a terminal, and the beginning of the request's: a line is to fit on a line. */
function idsShown(fields: LogFields): (readonly [string, unknown])[] {
  const isCheckout = fields.lockId !== undefined
  const shown = isCheckout ? ['lockId', 'requestId'] : ids
  return shown
    .filter(key => fields[key] !== undefined)
    .map(key => [key, isCheckout && key === 'requestId' ? String(fields[key]).slice(0, 8) : fields[key]] as const)
}

type Paint = (tone: number, text: string) => string

function wordOf(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : (JSON.stringify(value) ?? '')
}

/** An error with its stack, and what it was caused by, one level in each. */
function errorLines(error: unknown, paint: Paint, indent = '  '): string[] {
  if (typeof error !== 'object' || error === null) return [`${indent}${paint(31, String(error))}`]
  const { name, message, code, stack, cause } = error as Record<string, unknown>
  const head = `${String(name ?? 'Error')}: ${String(message ?? '')}${code === undefined ? '' : ` (${String(code)})`}`
  const frames = typeof stack === 'string' ? stack.split('\n').filter(line => /^\s+at /.test(line)) : []
  return [
    `${indent}${paint(31, head.split('\n').join(`\n${indent}`))}`,
    ...frames.map(frame => paint(dim, `${indent}  ${frame.trim()}`)),
    ...(cause === undefined ? [] : [`${indent}caused by`, ...errorLines(cause, paint, `${indent}  `)]),
  ]
}

/** `12:03:04.123 WARN  [Checkout] failed                    code=payment_declined … lockId=0192…` */
export function prettyLine(level: LogLevel, message: string, fields: LogFields, colours: boolean): string {
  const paint: Paint = (tone, text) => (colours ? `\u001b[${tone}m${text}\u001b[0m` : text)
  const own = Object.keys(fields).filter(key => key !== 'err' && !ids.includes(key) && fields[key] !== undefined)
  const beside = [
    ...own.map(key => `${paint(dim, `${key}=`)}${wordOf(fields[key])}`),
    ...idsShown(fields).map(([key, id]) => paint(dim, `${key}=${wordOf(id)}`)),
  ]
  const words = beside.length === 0 ? message : message.padEnd(messageWidth)
  const time = paint(dim, new Date().toISOString().slice(11, 23))
  const first = [time, paint(tones[level], level.toUpperCase().padEnd(5)), words, ...beside].join(' ')
  const lines = fields.err === undefined ? [first] : [first, ...errorLines(fields.err, paint)]
  return `${lines.join('\n')}\n`
}
