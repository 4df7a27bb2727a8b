/** The content of an email. The HTML part and the text part are both made from it, so that they say the same. */
import type { ShopLocale } from '../shop-locale.ts'
import type { MailCopy } from './copy/en.ts'

/** One entry of a list, such as an order line or a failed checkout. */
export interface MailItem {
  title: string
  /** Small print below the title, one line each. */
  details: readonly string[]
  /** At the end of the row, such as "€49.90". */
  amount?: string
}

export interface MailRow {
  label: string
  value: string
  /** True for the row that stands out, such as the total. */
  isGrand?: boolean
}

export type MailBlock =
  | { kind: 'paragraph'; text: string }
  | { kind: 'items'; title?: string; items: readonly MailItem[] }
  /** Amounts below each other. */
  | { kind: 'figures'; rows: readonly MailRow[] }
  /** Labels and their values. */
  | { kind: 'facts'; title?: string; rows: readonly MailRow[] }
  /** Side by side if there is room. */
  | { kind: 'columns'; columns: readonly { title: string; lines: readonly string[] }[] }
  /** A text that a person wrote, with its line breaks. */
  | { kind: 'quote'; title: string; text: string }
  | { kind: 'button'; label: string; url: string }

export interface MailContent {
  subject: string
  /** Shown by an inbox after the subject. */
  preheader: string
  /** Small, above the title, such as "Order 100001". */
  eyebrow: string
  title: string
  /** `alert` uses a warning colour. */
  tone: 'plain' | 'alert'
  blocks: readonly MailBlock[]
  /** Why the recipient gets this email. */
  reason: string
}

/** The shop as emails show it. */
export interface MailShop {
  name: string
  /** Such as "https://shop.example"; null: emails have no links. */
  baseUrl: string | null
  /** Formats money, dates and countries. */
  locale: ShopLocale
  copy: MailCopy
}
