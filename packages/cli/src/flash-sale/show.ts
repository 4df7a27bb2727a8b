/** Shows a running sale: ten frames per second in a terminal, lines of text elsewhere. */
import type { Caller, Terminal } from '../command.ts'
import { openScreen } from '../terminal/screen.ts'
import { type Line, render } from './canvas.ts'
import { drawSale, type Size } from './drawing.ts'
import type { Scene } from './scene.ts'

const frameMs = 100
const progressMs = 1_000

/** Shows the sale; returns a function that stops. */
export function showSale(caller: Caller, scene: Scene): () => void {
  const { terminal } = caller
  return caller.isTty && terminal !== undefined
    ? drawFrames(caller, terminal, size => drawSale(scene, size))
    : printProgress(caller, scene)
}

function drawFrames(caller: Caller, terminal: Terminal, draw: (size: Size) => Line[]): () => void {
  const screen = openScreen(caller)
  let shown = ''

  function frame(): void {
    const size = terminal.size()
    // Leave the last cell of a line free: some terminals erase it with the rest of the line.
    const lines = draw(size).map(line => render(line, size.columns - 1, caller.colours))
    const fresh = lines.join('\n')
    if (fresh !== shown) screen.draw(lines)
    shown = fresh
  }

  const stopListening = terminal.onResize(() => {
    shown = ''
    frame()
  })
  // Restore the terminal however this process ends.
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

/** Prints new events, and the progress every second. */
function printProgress({ err }: Caller, scene: Scene): () => void {
  let printed = 0

  function printEvents(): void {
    const fresh = scene.eventCount - printed
    printed = scene.eventCount
    for (const { atMs, text } of fresh === 0 ? [] : scene.events.slice(-fresh)) err(`${time(atMs)}  ${text}\n`)
  }

  const timer = setInterval(() => {
    printEvents()
    if (scene.step !== 'sale') return
    const { stock, counts } = scene
    const places = `${counts.waiting} arriving, ${counts.paying} paying, ${counts.paid} paid, ${counts.sold_out} sold out`
    err(`${time(scene.elapsedMs)}  ${stock.sold} sold, ${stock.held} held, ${stock.free} free; ${places}\n`)
  }, progressMs)
  return () => {
    clearInterval(timer)
    printEvents()
  }
}

const time = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`.padStart(7)
