/** A sale as lines of text, where nobody watches a terminal: what happened, and every second how far it is. */
import type { Scene } from './flash-sale-scene.ts'

const everyMs = 1_000

/** Writes until it is called off, and then what is left. */
export function tellProgress(write: (text: string) => void, scene: Scene): () => void {
  let told = 0

  function tell(): void {
    const fresh = scene.happened - told
    told = scene.happened
    for (const { atMs, text } of fresh === 0 ? [] : scene.events.slice(-fresh)) write(`${time(atMs)}  ${text}\n`)
  }

  const timer = setInterval(() => {
    tell()
    if (scene.step !== 'sale') return
    const { stock, counts } = scene
    const places = `${counts.waiting} on the way, ${counts.paying} paying, ${counts.paid} paid, ${counts.sold_out} sold out`
    write(`${time(scene.elapsedMs)}  ${stock.sold} sold, ${stock.held} held, ${stock.free} free; ${places}\n`)
  }, everyMs)
  return () => {
    clearInterval(timer)
    tell()
  }
}

const time = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`.padStart(7)
