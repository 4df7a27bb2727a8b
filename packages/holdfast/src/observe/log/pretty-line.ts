/** One readable log line for a terminal: time, level, message in a column, fields, IDs last; an error's stack below. */
import type { LogFields, LogLevel } from './levels.ts'

const colourOf: Readonly<Record<LogLevel, number>> = { debug: 35, info: 36, warn: 33, error: 31 }
const dim = 2
const messageWidth = 36
/** Printed last: long, and the least read. */
const ids = ['lockId', 'cartId', 'orderId', 'requestId']

/** To keep a line short, a line about a checkout shows only the checkout's ID and the beginning of the request's. */
function idsShown(fields: LogFields): (readonly [string, unknown])[] {
  const isCheckout = fields.lockId !== undefined
  const keys = isCheckout ? ['lockId', 'requestId'] : ids
  return keys
    .filter(key => fields[key] !== undefined)
    .map(key => [key, isCheckout && key === 'requestId' ? String(fields[key]).slice(0, 8) : fields[key]] as const)
}

type Paint = (colour: number, text: string) => string

function valueText(value: unknown): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : (JSON.stringify(value) ?? '')
}

/** An error with its stack, then its causes, each indented one level further. */
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
  const paint: Paint = (colour, words) => (colours ? `\u001b[${colour}m${words}\u001b[0m` : words)
  const others = Object.keys(fields).filter(key => key !== 'err' && !ids.includes(key) && fields[key] !== undefined)
  const shown = [
    ...others.map(key => `${paint(dim, `${key}=`)}${valueText(fields[key])}`),
    ...idsShown(fields).map(([key, id]) => paint(dim, `${key}=${valueText(id)}`)),
  ]
  const text = shown.length === 0 ? message : message.padEnd(messageWidth)
  const time = paint(dim, new Date().toISOString().slice(11, 23))
  const first = [time, paint(colourOf[level], level.toUpperCase().padEnd(5)), text, ...shown].join(' ')
  const lines = fields.err === undefined ? [first] : [first, ...errorLines(fields.err, paint)]
  return `${lines.join('\n')}\n`
}
