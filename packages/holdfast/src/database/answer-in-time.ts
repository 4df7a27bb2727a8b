/** A bound on how long somebody waits for the database: after it there was no answer, as with a connection that is lost. */
import { within } from '../concurrency/timeout.ts'
import { DatabaseError } from './database.ts'

export const noAnswer = () => new DatabaseError('the database did not answer in time', { code: 'connection_lost' })

/**
 * Settles as `work` does, within `ms`.
 * @throws {DatabaseError} `connection_lost` after that; `onLate` is told before.
 */
export function answerInTime<T>(work: Promise<T>, ms: number, onLate: () => void = () => {}): Promise<T> {
  return within(work, ms, () => {
    onLate()
    return noAnswer()
  })
}
