/** The rules of the house: which room may import which, how files and statements are named, how large a file may be. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
}

const sources = filesUnder('src').map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))

/** The rooms (folders of `src/`) that each room may import, beside itself. */
const mayImport: Record<string, readonly string[]> = {
  checkout: [],
  store: ['checkout'],
  payments: ['store', 'checkout'],
  catalog: ['store', 'checkout'],
  carts: ['store', 'checkout', 'catalog'],
  orders: ['store', 'checkout'],
  events: ['store', 'checkout'],
  notify: ['events', 'checkout', ''],
  sinks: ['events', 'checkout', ''],
  observe: ['store', 'checkout', 'orders', ''],
  phases: ['checkout', 'store', 'carts', 'payments'],
  saga: ['phases', 'checkout', 'store', 'carts', 'orders', 'payments', 'events', ''],
  reconcile: ['saga', 'checkout', 'store', 'orders', 'payments', ''],
  http: ['checkout', 'store', 'carts', 'catalog', 'payments', 'events', ''],
}

/** Files in `src/` itself that name types only; the engine and the entry points are for `cli/` and the outside. */
const topLevelTypes = new Set(['checkout-engine.ts'])

/** One list of many small things each: nothing to split but the list. */
const longOnes = new Set(['packages/testing/src/gateway/gateway-checks.ts'])

function roomOf(file: string): string {
  const [, room = '', rest] = file.split('/')
  return rest === undefined ? '' : room
}

describe('the house', () => {
  test('imports point one way', () => {
    const wrong: string[] = []
    for (const { file, text } of sources) {
      const room = roomOf(file)
      if (room === '' || room === 'cli' || room === 'testing') continue
      for (const [, target = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
        const imported = normalize(join(dirname(file), target))
        const other = roomOf(imported)
        if (other === room) continue
        const allowed = mayImport[room]?.includes(other) ?? false
        const isTypes = other !== '' || topLevelTypes.has(imported.replace('src/', ''))
        if (!allowed || !isTypes) wrong.push(`${file} imports ${imported}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('checkout/ is pure: it imports no module that does anything', () => {
    const outside = sources
      .filter(({ file }) => roomOf(file) === 'checkout')
      .flatMap(({ file, text }) => [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => `${file}: ${name}`))
      .filter(line => !line.includes('dinero.js'))
    expect(outside).toEqual([])
  })

  test('every statement has a name of its own', () => {
    const names = new Map<string, string[]>()
    for (const { file, text } of sources.filter(source => roomOf(source.file) !== 'testing')) {
      for (const [, name = ''] of text.matchAll(/\bstatement\(\s*'([a-z0-9_]+)'/g)) {
        names.set(name, [...(names.get(name) ?? []), file])
      }
    }
    expect(names.size).toBeGreaterThan(50)
    expect([...names].filter(([, files]) => files.length > 1)).toEqual([])
  })

  test('files are named in kebab case, open with a sentence that says what they are, and stay below 400 lines', () => {
    const wrong: string[] = []
    for (const { file, text } of sources) {
      if (!/^(\d-)?[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file.split('/').at(-1) ?? '')) wrong.push(`${file}: name`)
      if (!/^(#!.*\n)?\/\*\*/.test(text)) wrong.push(`${file}: no opening sentence`)
      if (text.split('\n').length > (longOnes.has(file) ? 480 : 400))
        wrong.push(`${file}: ${text.split('\n').length} lines`)
    }
    expect(wrong).toEqual([])
  })

  test('there are no barrels, no default exports and no escapes from the compiler', () => {
    const wrong = sources.flatMap(({ file, text }) =>
      [/^export \*/m, /^export default/m, /@ts-(ignore|nocheck|expect-error)/]
        .filter(pattern => pattern.test(text))
        .map(pattern => `${file}: ${pattern}`),
    )
    expect(wrong).toEqual([])
  })
})
