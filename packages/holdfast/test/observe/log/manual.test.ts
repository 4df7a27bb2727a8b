/** docs/logging.md names every log line of the sources, and no other. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../../..')
const manual = readFileSync(join(root, 'docs/logging.md'), 'utf8')

/** The messages of log lines in the sources, with "…" for each `${…}`. */
function messageShapes(): string[] {
  const files = ['holdfast', 'cli'].flatMap(name => {
    const folder = join(root, 'packages', name, 'src')
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return names.filter(file => file.endsWith('.ts')).map(file => join(folder, file))
  })
  const texts = files.map(file => readFileSync(file, 'utf8')).join('\n')
  const found = [...texts.matchAll(/(['`])(\[[A-Z]\w+\] .*?)\1/g)].map(([, , message = '']) => message)
  const shapes = new Set(found.map(message => message.replace(/\$\{[^}]*\}/g, '…')))
  // The end of a checkout and the messages of HTTP are inserted as a whole.
  for (const anything of ['[Checkout] …', '[HTTP] …']) expect(shapes.delete(anything)).toBe(true)
  for (const word of ['failed', 'expired', 'cancelled']) shapes.add(`[Checkout] ${word}`)
  for (const word of ['request', 'request failed']) shapes.add(`[HTTP] ${word}`)
  return [...shapes]
}

const documented = [...manual.matchAll(/^\|(?: \w+ \|)? `(\[[A-Z]\w+\] [^`]+)`/gm)].map(([, message = '']) => message)

function fits(message: string, shape: string): boolean {
  const pattern = shape.split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('.+')}$`).test(message)
}

test('every log line in the sources is in the manual', () => {
  const found = messageShapes()
  expect(found.length).toBeGreaterThan(35)
  expect(found.filter(shape => !documented.some(message => fits(message, shape)))).toEqual([])
})

test('every log line in the manual is in the sources', () => {
  const shapes = messageShapes()
  expect(documented.length).toBeGreaterThan(45)
  expect(documented.filter(message => !shapes.some(shape => fits(message, shape)))).toEqual([])
})
