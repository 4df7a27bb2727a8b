/** Shows a sale to whoever watches: ten frames a second on a terminal, lines of text elsewhere. */
import type { Caller, Terminal } from '../command.ts'
import { openScreen } from '../terminal/screen.ts'
import { type Line, render } from './canvas.ts'
import { drawSale, type Size } from './drawing.ts'
import type { Scene } from './scene.ts'

const frameMs = 100
const progressMs = 1_000

/** Shows it until that is called off. */
export function showSale(caller: Caller, scene: Scene): () => void {
  const { terminal } = caller
  return caller.isTty && terminal !== undefined
    ? drawAgain(caller, terminal, size => drawSale(scene, size))
    : tellProgress(caller, scene)
}

function drawAgain(caller: Caller, terminal: Terminal, draw: (size: Size) => Line[]): () => void {
  const screen = openScreen(caller)
  let shown = ''

  function frame(): void {
    const size = terminal.size()
    // What is written into the last cell of a line, some terminals erase with the rest of it.
    const lines = draw(size).map(line => render(line, size.columns - 1, caller.colours))
    const fresh = lines.join('\n')
    if (fresh !== shown) screen.draw(lines)
    shown = fresh
  }

  const stopListening = terminal.onResize(() => {
    shown = ''
    frame()
  })
  // However this process ends, its terminal is given back.
  process.once('exit', screen.close)
  frame()
  const timer = setInterval(frame, frameMs)
  return () => {
    clearInterval(timer)
    stopListening()
    process.off('exit', screen.close)
    screen.close()
  }
}

/** What happened, and every second how far it is. */
function tellProgress({ err }: Caller, scene: Scene): () => void {
  let told = 0

  function tell(): void {
    const fresh = scene.happened - told
    told = scene.happened
    for (const { atMs, text } of fresh === 0 ? [] : scene.events.slice(-fresh)) err(`${time(atMs)}  ${text}\n`)
  }

  const timer = setInterval(() => {
    tell()
    if (scene.step !== 'sale') return
    const { stock, counts } = scene
    const places = `${counts.waiting} on the way, ${counts.paying} paying, ${counts.paid} paid, ${counts.sold_out} sold out`
    err(`${time(scene.elapsedMs)}  ${stock.sold} sold, ${stock.held} held, ${stock.free} free; ${places}\n`)
  }, progressMs)
  return () => {
    clearInterval(timer)
    tell()
  }
}

const time = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`.padStart(7)
