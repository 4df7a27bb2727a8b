/** What a listener throws where another try would fail the same: its delivery is parked at once, with this reason. */

/** The message is kept with the delivery and logged: no secret belongs in it, and nothing of a buyer. */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure'
}
