/** A timeout for database calls: a late answer counts as a lost connection. */
import { within } from '../concurrency/timeout.ts'
import { DatabaseError } from './database.ts'

export const noAnswer = () => new DatabaseError('the database did not answer in time', { code: 'connection_lost' })

/**
 * Settles as `work` does, within `ms` milliseconds.
 * @throws {DatabaseError} `connection_lost` after the timeout, once `onLate` was called.
 */
export function answerInTime<T>(work: Promise<T>, ms: number, onLate: () => void = () => {}): Promise<T> {
  return within(work, ms, () => {
    onLate()
    return noAnswer()
  })
}
