/** The error that a listener throws if every retry would fail too. The delivery is parked at once with this reason. */

/** The message is stored with the delivery and logged, so it must contain no secret and no personal data. */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure'
}
