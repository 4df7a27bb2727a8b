/** Timeouts: bounds on how long a caller waits. The work itself is not interrupted. */

/**
 * Settles as `work` does.
 * @throws the error of `work`; the error that `late` returns, if `work` has not settled after `ms` milliseconds.
 */
export async function within<Result>(work: Promise<Result>, ms: number, late: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** True if `work` resolves within `ms` milliseconds. @throws the error of `work` if it rejects in that time. */
export async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const tooLate = new Error('too late')
  try {
    await within(work, ms, () => tooLate)
    return true
  } catch (error) {
    if (error === tooLate) return false
    throw error
  }
}
