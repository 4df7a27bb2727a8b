/**
 * Counts this process's calls to the payment gateway in the last minutes, and how many of them failed. Memory is bounded:
 * a few counters per slice of time, for any traffic.
 */

export interface GatewaySight {
  calls: number
  /** No answer, a malformed answer, or not executed (429, 5xx, no connection). A decline is an answer. */
  failed: number
}

export interface GatewayWindow {
  /** Counts a call by the outcome of its answer. */
  note(outcome: string): void
  sight(): GatewaySight
}

export const windowMinutes = 3
const sliceMs = 10_000
const slicesMax = (windowMinutes * 60_000) / sliceMs

/** @param now a monotonic clock, milliseconds. */
export function createGatewayWindow(now: () => number = () => performance.now()): GatewayWindow {
  let slices: (GatewaySight & { number: number })[] = []

  return {
    note(outcome) {
      const number = Math.floor(now() / sliceMs)
      let slice = slices.at(-1)
      if (slice?.number !== number) {
        slice = { number, calls: 0, failed: 0 }
        slices = [...slices.filter(each => each.number > number - slicesMax), slice]
      }
      slice.calls += 1
      if (outcome === 'unknown' || outcome === 'not_executed') slice.failed += 1
    },
    sight() {
      const oldest = Math.floor(now() / sliceMs) - slicesMax
      const seen = slices.filter(({ number }) => number > oldest)
      return {
        calls: seen.reduce((sum, { calls }) => sum + calls, 0),
        failed: seen.reduce((sum, { failed }) => sum + failed, 0),
      }
    },
  }
}
