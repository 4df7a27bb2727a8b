/** Chooses the texts of emails by the shop's locale. */
import { en, type MailCopy } from './en.ts'

const copies: Readonly<Record<string, MailCopy>> = { en }

/** @param locale BCP 47. Languages without texts get the English ones; dates and money still follow the locale. */
export function copyFor(locale: string): MailCopy {
  return copies[new Intl.Locale(locale).language] ?? en
}
