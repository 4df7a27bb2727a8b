/**
 * Lines of a bank's statement, booked on the invoices they name: each counts once, in the invoice's own currency, and no
 * more goes back than is owed.
 */

import { type Database, DatabaseError } from '../../database/database.ts'
import { readReference } from '../../domain/creditor-reference.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { books, type InvoiceRow, type LineRow, owedMinor } from './invoice-books.ts'

/** One line of a bank's statement. */
export interface StatementLine {
  /** Above 0, minor units. */
  amountMinor: number
  currency: string
  /** The bank's id of the line: however often it comes, it counts once. */
  statementLineId: string
  /** When the bank booked it; default now. */
  bookedAt?: Date
  /** Who says so, for the record. */
  actor: string
}

/** @throws {CheckoutError} `invalid_argument`, always. */
export function refuse(message: string, context: Record<string, unknown> = {}): never {
  throw new CheckoutError('invalid_argument', message, { context })
}

function check({ amountMinor, statementLineId, actor, bookedAt }: StatementLine): void {
  if (!(Number.isSafeInteger(amountMinor) && amountMinor > 0)) refuse('amountMinor must be a whole number above 0.')
  for (const [name, text] of Object.entries({ statementLineId, actor })) {
    if (text === '' || text.length > 255 || text.includes('\0')) refuse(`${name} must be 1 to 255 characters.`)
  }
  if (bookedAt !== undefined && Number.isNaN(bookedAt.getTime())) refuse('bookedAt is no time.')
}

/**
 * Books a line that came in (`sign` 1) or went back (-1), and gives the invoice as it is then.
 * @throws {CheckoutError} `invalid_argument` for what cannot be meant.
 */
export async function bookLine(
  database: Database,
  typed: string,
  line: StatementLine,
  sign: 1 | -1,
): Promise<InvoiceRow> {
  check(line)
  const reference = readReference(typed) ?? refuse('That is no reference of an invoice; is it mistyped?')
  const { currency, statementLineId, bookedAt, actor } = line
  const amountMinor = sign * line.amountMinor
  try {
    return await database.transaction(async tx => {
      const [invoice] = await tx.query<InvoiceRow>(books.lock, [reference])
      const [known] = await tx.query<LineRow>(books.findLine, [statementLineId])
      if (invoice === undefined) refuse('There is no invoice with this reference.', { reference })
      if (known !== undefined) {
        const isSame = known.reference === reference && known.amountMinor === amountMinor && known.currency === currency
        return isSame ? invoice : refuse('This line of the statement was counted as another one.', { ...known })
      }
      if (currency !== invoice.currency) refuse(`The invoice is in ${invoice.currency}.`, { reference })
      if (-amountMinor > owedMinor(invoice)) refuse('That is more than is owed.', { owed: owedMinor(invoice) })
      tx.send(books.book, [statementLineId, reference, amountMinor, currency, bookedAt?.toISOString() ?? null, actor])
      return { ...invoice, balanceMinor: invoice.balanceMinor + amountMinor }
    })
  } catch (error) {
    // Two said at once that one line is for two invoices.
    const isRaced = error instanceof DatabaseError && error.code === '23505'
    throw isRaced ? new CheckoutError('invalid_argument', 'This line of the statement was counted already.') : error
  }
}
