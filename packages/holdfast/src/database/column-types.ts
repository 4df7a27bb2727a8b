/**
 * Conversion of column values to JavaScript values, the same for both databases. Integers that would lose digits throw;
 * they are never rounded.
 */
import { parse as parseArray } from 'postgres-array'
import { DatabaseError } from './database.ts'

type Parse = (text: string) => unknown

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new DatabaseError(`integer ${text} is out of the range of safe integers`, { code: 'unsafe_integer' })
  }
  return value
}

/** The sum of `bigint` values is `numeric`: whole numbers are checked like integers, fractions become floating point. */
const numeric: Parse = text => (/^-?\d+$/.test(text) ? safeInteger(text) : Number(text))

/** ISO 8601 in UTC with milliseconds. 'infinity' and years BC stay as PostgreSQL writes them. */
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

/** Object IDs in the system catalog of the type and its array type, and the parser. */
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

/** Parsers by type object ID, including arrays. Values of other types stay text. */
export const columnParsers: Readonly<Record<number, Parse>> = Object.fromEntries(
  types.flatMap(([oid, arrayOid, parse]) => [
    [oid, parse],
    [arrayOid, (text: string) => parseArray(text, parse)],
  ]),
)
