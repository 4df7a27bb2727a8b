/** The manual names every line of the log, and no other. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../../..')
const manual = readFileSync(join(root, 'docs/logging.md'), 'utf8')

/** The words of lines in the sources; what is put in by `${…}` stands as "…". */
function words(): string[] {
  const files = ['holdfast', 'cli'].flatMap(name => {
    const folder = join(root, 'packages', name, 'src')
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return names.filter(file => file.endsWith('.ts')).map(file => join(folder, file))
  })
  const texts = files.map(file => readFileSync(file, 'utf8')).join('\n')
  const found = [...texts.matchAll(/(['`])(\[[A-Z]\w+\] .*?)\1/g)].map(([, , message = '']) => message)
  const shapes = new Set(found.map(message => message.replace(/\$\{[^}]*\}/g, '…')))
  // How a checkout failed, and what HTTP says, are single words put in.
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

test('every line of the sources stands in the manual', () => {
  const found = words()
  expect(found.length).toBeGreaterThan(35)
  expect(found.filter(shape => !documented.some(message => fits(message, shape)))).toEqual([])
})

test('every line of the manual stands in the sources', () => {
  const shapes = words()
  expect(documented.length).toBeGreaterThan(45)
  expect(documented.filter(message => !shapes.some(shape => fits(message, shape)))).toEqual([])
})
