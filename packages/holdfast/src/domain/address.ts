/** Validation of addresses before payment. Expects normalized addresses: trimmed, country in upper case. */
import type { Address } from './cart.ts'

/** The officially assigned codes of ISO 3166-1 alpha-2. */
const countries: ReadonlySet<string> = new Set(
  `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
   BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
   FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
   IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
   ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
   PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
   TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`.split(/\s+/),
)

/** Countries without postcodes. */
const withoutPostcode: ReadonlySet<string> = new Set(
  `AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GQ GY HK KI KM KN KP LY ML MO MR
   MW NR NU QA RW SB SC SL SR ST SY TD TG TK TL TO TV UG VU YE ZW`.split(/\s+/),
)

const fieldLengthMax = 200
const postcodeLengthMax = 20
/** Control characters, including line breaks, would corrupt labels and mail headers. */
const control = /\p{Cc}/u
const phone = /^\+?[0-9][0-9 ()./x#-]{2,39}$/i

/** True for an officially assigned code of ISO 3166-1 alpha-2, in upper case. */
export function isCountry(code: string): boolean {
  return countries.has(code)
}

/** The names of missing or invalid fields, in the order of a form; empty if the address is complete. */
export function validateAddress(address: Address): string[] {
  const { country, postcode } = address
  const wrong: string[] = []
  if (!isText(address.firstName, fieldLengthMax)) wrong.push('firstName')
  if (!isText(address.lastName, fieldLengthMax)) wrong.push('lastName')
  if (!isText(address.lineOne, fieldLengthMax)) wrong.push('lineOne')
  if (!isTextOrEmpty(address.lineTwo, fieldLengthMax)) wrong.push('lineTwo')
  if (!isText(address.city, fieldLengthMax)) wrong.push('city')
  if (!isTextOrEmpty(address.state, fieldLengthMax)) wrong.push('state')
  const hasPostcode = withoutPostcode.has(country) ? isTextOrEmpty : isText
  if (!hasPostcode(postcode, postcodeLengthMax)) wrong.push('postcode')
  if (!isCountry(country)) wrong.push('country')
  if (!isTextOrEmpty(address.phone, fieldLengthMax) || (address.phone && !phone.test(address.phone)))
    wrong.push('phone')
  return wrong
}

/** Checks the type as well, because addresses are also read from stored JSON. */
function isText(value: unknown, lengthMax: number): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= lengthMax && !control.test(value)
}

function isTextOrEmpty(value: unknown, lengthMax: number): boolean {
  return value === undefined || value === null || value === '' || isText(value, lengthMax)
}
