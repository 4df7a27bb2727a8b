/** The end of a process that stays: asked for by SIGTERM or SIGINT, and certain within seconds. */

/** Everything together has this long to end; what is left then is carried on by whoever looks next. */
const deadlineMs = 10_000

/** Resolves when the process is asked to end. Asked a second time, it ends at once. */
export function endRequested(): Promise<void> {
  return new Promise(resolve => {
    let asked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve()
      })
    }
  })
}

/** Runs `close`, but not for longer than the deadline. False when it was cut short. */
export async function inTime(close: () => Promise<void>, ms = deadlineMs): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([close().then(() => true as const), late])
  } finally {
    clearTimeout(timer)
  }
}
