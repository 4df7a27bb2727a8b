/** How the soak gets on, a line every few seconds on a terminal, seldom elsewhere. */
import type { BuyerRecord } from '../buyers/buyer.ts'

export interface Progress {
  came(record: BuyerRecord): void
  disturbed(kind: string): void
  /** What it does now. */
  says(phase: string): void
  stop(): void
}

const everyMs = { terminal: 5_000, elsewhere: 30_000 }

export function createProgress(stream: NodeJS.WriteStream): Progress {
  const startedAt = performance.now()
  const records: BuyerRecord[] = []
  let disturbances = 0
  let kills = 0
  let phase = ''

  function tell(): void {
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const orders = records.filter(({ ending }) => ending.kind === 'ordered').length
    const lost = records.reduce((sum, { lostAnswers }) => sum + lostAnswers, 0)
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    stream.write(
      `${time}  ${phase}  ${records.length} buyers, ${orders} orders, ${lost} answers lost, ${kills} kills, ${disturbances} disturbances\n`,
    )
  }
  const timer = setInterval(tell, stream.isTTY ? everyMs.terminal : everyMs.elsewhere)
  timer.unref()

  return {
    came(record) {
      phase = 'soaking'
      records.push(record)
    },
    disturbed(kind) {
      disturbances += 1
      if (kind === 'server killed') kills += 1
    },
    says(now) {
      phase = now
      tell()
    },
    stop: () => clearInterval(timer),
  }
}
