/** The progress of a soak: a line every 5 seconds on a terminal, every 30 seconds elsewhere. */
import type { BuyerRecord } from '../buyers/buyer.ts'

export interface Progress {
  arrived(record: BuyerRecord): void
  disturbed(kind: string): void
  /** A new phase starts. */
  enters(phase: string): void
  stop(): void
}

const everyMs = { terminal: 5_000, elsewhere: 30_000 }

export function createProgress(stream: NodeJS.WriteStream): Progress {
  const startedAt = performance.now()
  const records: BuyerRecord[] = []
  let disturbances = 0
  let kills = 0
  let phase = ''

  function report(): void {
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const orders = records.filter(({ ending }) => ending.kind === 'ordered').length
    const lost = records.reduce((sum, { lostAnswers }) => sum + lostAnswers, 0)
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    stream.write(
      `${time}  ${phase}  ${records.length} buyers, ${orders} orders, ${lost} lost answers, ${kills} kills, ${disturbances} disturbances\n`,
    )
  }
  const timer = setInterval(report, stream.isTTY ? everyMs.terminal : everyMs.elsewhere)
  timer.unref()

  return {
    arrived(record) {
      phase = 'soaking'
      records.push(record)
    },
    disturbed(kind) {
      disturbances += 1
      if (kind === 'server killed') kills += 1
    },
    enters(now) {
      phase = now
      report()
    },
    stop: () => clearInterval(timer),
  }
}
