/**
 * What this process saw of the payment gateway in the last minutes: how many calls, and how many came to nothing.
 * Bounded: a few counters for each slice of time, whatever the traffic.
 */

export interface GatewaySight {
  calls: number
  /** No answer, an answer that makes no sense, or not taken in (429, 5xx, no connection). Declines are answers. */
  failed: number
}

export interface GatewayWindow {
  /** `outcome`: of the gateway's answer. */
  note(outcome: string): void
  sight(): GatewaySight
}

export const windowMinutes = 3
const sliceMs = 10_000
const slicesMax = (windowMinutes * 60_000) / sliceMs

/** @param now milliseconds that only grow. */
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
