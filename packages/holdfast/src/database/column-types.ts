/**
 * How column values become JavaScript values, the same for both databases: numbers that would lose digits throw,
 * they are never rounded.
 */
import { DatabaseError } from './database.ts'

type Parse = (text: string) => unknown

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new DatabaseError(`the integer ${text} does not fit a safe integer number`, { code: 'unsafe_integer' })
  }
  return value
}

/** A sum of `bigint` is `numeric`: whole numbers are as strict as integers, fractions are floating point. */
const numeric: Parse = text => (/^-?\d+$/.test(text) ? safeInteger(text) : Number(text))

/** ISO 8601 in UTC with milliseconds; 'infinity' and years before Christ stay as PostgreSQL writes them. */
function isoInstant(text: string): string {
  if (text.endsWith('+00') && text.charCodeAt(10) === 32 && text.length <= 29) {
    const fraction = text.charCodeAt(19) === 46 ? text.slice(20, -3) : ''
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  }
  const match = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:\d\d)?$/.exec(text)
  if (match === null) return text
  const [, date, time, hours, minutes] = match
  return new Date(`${date}T${time}${hours}${minutes ?? ':00'}`).toISOString()
}

const asText: Parse = text => text
const asBoolean: Parse = text => text === 't'
const asJson: Parse = text => JSON.parse(text)

/** Element type, its array type, its parser; by the type's object id in the system catalog. */
const types: readonly (readonly [oid: number, arrayOid: number, parse: Parse])[] = [
  [16, 1000, asBoolean],
  [20, 1016, safeInteger],
  [21, 1005, Number],
  [23, 1007, Number],
  [25, 1009, asText],
  [26, 1028, Number],
  [114, 199, asJson],
  [700, 1021, Number],
  [701, 1022, Number],
  [1042, 1014, asText],
  [1043, 1015, asText],
  [1082, 1182, asText],
  [1114, 1115, asText],
  [1184, 1185, isoInstant],
  [1700, 1231, numeric],
  [2950, 2951, asText],
  [3802, 3807, asJson],
]

/** Reads PostgreSQL's array notation: `{a,"b \"c\"",NULL,{…}}`. */
function parseArray(text: string, parse: Parse): unknown[] {
  let at = text.indexOf('{')
  function element(): unknown {
    if (text[at] === '{') return list()
    if (text[at] === '"') {
      let value = ''
      for (at += 1; text[at] !== '"'; at += 1) {
        if (text[at] === '\\') at += 1
        value += text[at] ?? ''
      }
      at += 1
      return parse(value)
    }
    const start = at
    while (text[at] !== ',' && text[at] !== '}') at += 1
    const value = text.slice(start, at)
    return value === 'NULL' ? null : parse(value)
  }
  function list(): unknown[] {
    const values: unknown[] = []
    at += 1
    while (at < text.length && text[at] !== '}') {
      values.push(element())
      if (text[at] === ',') at += 1
    }
    at += 1
    return values
  }
  return list()
}

/** The parsers by type object id, arrays included; a type that is not listed stays text. */
export const columnParsers: Readonly<Record<number, Parse>> = Object.fromEntries(
  types.flatMap(([oid, arrayOid, parse]) => [
    [oid, parse],
    [arrayOid, (text: string) => parseArray(text, parse)],
  ]),
)
