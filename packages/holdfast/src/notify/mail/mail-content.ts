/** What a mail says, told once: the HTML and the plain text part are both made from it, so that they say the same. */

/** One thing in a list: a line of an order, a checkout that failed. */
export interface MailItem {
  title: string
  /** Small print below the title, a line each. */
  details: readonly string[]
  /** At the end of the row: "€49.90". */
  amount?: string
}

export interface MailRow {
  label: string
  value: string
  /** The one that counts. */
  isGrand?: boolean
}

export type MailBlock =
  | { kind: 'paragraph'; text: string }
  | { kind: 'items'; title?: string; items: readonly MailItem[] }
  /** Amounts below each other. */
  | { kind: 'figures'; rows: readonly MailRow[] }
  /** Names and what they stand for. */
  | { kind: 'facts'; title?: string; rows: readonly MailRow[] }
  /** Beside each other where there is room. */
  | { kind: 'columns'; columns: readonly { title: string; lines: readonly string[] }[] }
  /** What somebody wrote, with its line breaks. */
  | { kind: 'quote'; title: string; text: string }
  | { kind: 'button'; label: string; url: string }

export interface MailContent {
  subject: string
  /** What an inbox shows behind the subject. */
  preheader: string
  /** Small, above the title: "Order 100001". */
  eyebrow: string
  title: string
  /** Trouble is told in another colour. */
  tone: 'plain' | 'trouble'
  blocks: readonly MailBlock[]
  /** Why this mail was sent. */
  reason: string
}

/** Who it is from, as every mail shows it. */
export interface MailSender {
  shopName: string
  /** "https://shop.example"; null: no link. */
  baseUrl: string | null
}

/** On one line, without control characters and what turns the direction of writing: for headers, and for what buyers wrote. */
export function singleLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()
}
