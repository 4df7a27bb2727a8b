/**
 * Lines of bank statements, booked on invoices. Each line counts once, in the invoice's currency, and no more is paid
 * back than is owed.
 */

import { type Database, DatabaseError } from '../../database/database.ts'
import { readReference } from '../../domain/creditor-reference.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { books, type InvoiceRow, type LineRow, owedMinor } from './books.ts'

/** One line of a bank statement. */
export interface StatementLine {
  /** Above 0, minor units. */
  amountMinor: number
  currency: string
  /** The bank's ID of the line. A repeated line counts once. */
  statementLineId: string
  /** When the bank booked the line. Default: now. */
  bookedAt?: Date
  /** Who reports the line. Stored with it. */
  actor: string
}

/** @throws {CheckoutError} `invalid_argument`, always. */
export function rejectArgument(message: string, context: Record<string, unknown> = {}): never {
  throw new CheckoutError('invalid_argument', message, { context })
}

function check({ amountMinor, statementLineId, actor, bookedAt }: StatementLine): void {
  if (!(Number.isSafeInteger(amountMinor) && amountMinor > 0)) {
    rejectArgument(`amountMinor must be an integer above 0, not ${amountMinor}`)
  }
  for (const [name, text] of Object.entries({ statementLineId, actor })) {
    if (text === '' || text.length > 255 || text.includes('\0')) rejectArgument(`${name} must have 1 to 255 characters`)
  }
  if (bookedAt !== undefined && Number.isNaN(bookedAt.getTime())) rejectArgument('bookedAt is not a valid date')
}

/**
 * Books money that was received (`sign` 1) or paid back (`sign` -1). Returns the invoice afterwards.
 * @throws {CheckoutError} `invalid_argument` for an unknown reference, a different currency, a line that is already
 * booked differently, or more than is owed.
 */
export async function bookLine(
  database: Database,
  typed: string,
  line: StatementLine,
  sign: 1 | -1,
): Promise<InvoiceRow> {
  check(line)
  const reference =
    readReference(typed) ?? rejectArgument(`invalid invoice reference "${typed}"; check for typing errors`)
  const { currency, statementLineId, bookedAt, actor } = line
  const amountMinor = sign * line.amountMinor
  try {
    return await database.transaction(async tx => {
      const [invoice] = await tx.query<InvoiceRow>(books.lock, [reference])
      const [known] = await tx.query<LineRow>(books.findLine, [statementLineId])
      if (invoice === undefined) rejectArgument(`no invoice has the reference ${reference}`, { reference })
      if (known !== undefined) {
        const isSame = known.reference === reference && known.amountMinor === amountMinor && known.currency === currency
        const message = `statement line "${statementLineId}" is already booked with different data`
        return isSame ? invoice : rejectArgument(message, { ...known })
      }
      if (currency !== invoice.currency) {
        rejectArgument(`invoice ${reference} is in ${invoice.currency}, not in ${currency}`, { reference })
      }
      const owed = owedMinor(invoice)
      if (-amountMinor > owed) {
        rejectArgument(`${line.amountMinor} is more than is owed on invoice ${reference}: ${owed} minor units`, {
          owed,
        })
      }
      tx.send(books.book, [statementLineId, reference, amountMinor, currency, bookedAt?.toISOString() ?? null, actor])
      return { ...invoice, balanceMinor: invoice.balanceMinor + amountMinor }
    })
  } catch (error) {
    // Two calls booked the same line on different invoices at once.
    const isRaced = error instanceof DatabaseError && error.code === '23505'
    throw isRaced
      ? new CheckoutError(
          'invalid_argument',
          `statement line "${statementLineId}" is already booked on another invoice`,
        )
      : error
  }
}
