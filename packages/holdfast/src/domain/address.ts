/** Tells what an address lacks before anybody pays for a parcel to it. Expects it normalized: trimmed, country in upper case. */
import type { Address } from './cart.ts'

/** ISO 3166-1 alpha-2, the officially assigned codes. */
const countries: ReadonlySet<string> = new Set(
  `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
   BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
   FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
   IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
   ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
   PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
   TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`.split(/\s+/),
)

/** Countries whose post has no codes, so that none can be asked for. */
const withoutPostcode: ReadonlySet<string> = new Set(
  `AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GQ GY HK KI KM KN KP LY ML MO MR
   MW NR NU QA RW SB SC SL SR ST SY TD TG TK TL TO TV UG VU YE ZW`.split(/\s+/),
)

const longest = 200
const postcodeLongest = 20
/** Control characters, line breaks among them, have no place in a label or a mail header. */
const control = /\p{Cc}/u
const phone = /^\+?[0-9][0-9 ()./x#-]{2,39}$/i

/** True for an officially assigned code of ISO 3166-1 alpha-2, in upper case. */
export function isCountry(code: string): boolean {
  return countries.has(code)
}

/** The names of the fields of `address` that are missing or wrong, in the order of a form; empty when it is complete. */
export function validateAddress(address: Address): string[] {
  const { country, postcode } = address
  const wrong: string[] = []
  if (!isText(address.firstName, longest)) wrong.push('firstName')
  if (!isText(address.lastName, longest)) wrong.push('lastName')
  if (!isText(address.lineOne, longest)) wrong.push('lineOne')
  if (!isTextOrNothing(address.lineTwo, longest)) wrong.push('lineTwo')
  if (!isText(address.city, longest)) wrong.push('city')
  if (!isTextOrNothing(address.state, longest)) wrong.push('state')
  const hasPostcode = withoutPostcode.has(country) ? isTextOrNothing : isText
  if (!hasPostcode(postcode, postcodeLongest)) wrong.push('postcode')
  if (!isCountry(country)) wrong.push('country')
  if (!isTextOrNothing(address.phone, longest) || (address.phone && !phone.test(address.phone))) wrong.push('phone')
  return wrong
}

/** Addresses are read back from stored documents too, so the type is checked and not believed. */
function isText(value: unknown, lengthMax: number): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= lengthMax && !control.test(value)
}

function isTextOrNothing(value: unknown, lengthMax: number): boolean {
  return value === undefined || value === null || value === '' || isText(value, lengthMax)
}
