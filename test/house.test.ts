/** The rules of the house: import direction, freedom from circles, and how files and statements are named. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const library = 'packages/holdfast/src/'

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') || name.endsWith('.tsx'))
    .map(name => join(folder, name))
}

interface Source {
  file: string
  text: string
  /** Files of this repository, and names of packages. */
  imports: string[]
}

const importPattern = /(?:\bfrom|\bimport)\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g

function read(file: string): Source {
  const text = readFileSync(join(root, file), 'utf8')
  const imports = [...text.matchAll(importPattern)].map(([, from, lazy]) => {
    const target = from ?? lazy ?? ''
    return target.startsWith('.') ? normalize(join(dirname(file), target)) : target
  })
  return { file, text, imports: [...new Set(imports)] }
}

const packages = readdirSync(join(root, 'packages'))
const sources = packages.flatMap(name => filesUnder(`packages/${name}/src`)).map(read)
const proofs = filesUnder('proofs')
  .filter(file => !file.startsWith('proofs/test/'))
  .map(read)

/** What each package may import by name, beside its dependencies. */
const mayUse: Record<string, readonly string[]> = {
  holdfast: [],
  testing: ['holdfast'],
  'stripe-simulator': [],
  storefront: ['holdfast'],
  cli: ['holdfast', '@holdfast/storefront', '@holdfast/stripe-simulator', '@holdfast/testing'],
}

/**
 * The rooms of the library, lowest first: a room imports itself and rooms above its line in this list, never below.
 * A room is a folder, or a file that stands alone; the longest match counts.
 */
const rooms: readonly string[] = [
  'optional-peer.ts',
  'concurrency',
  'domain',
  'config',
  'database',
  'payments',
  'shop/catalog',
  'shop/carts',
  'shop/import',
  'shop/orders',
  'events',
  'engine/checkout-engine.ts',
  'notify',
  'sinks',
  'observe',
  'phases',
  'saga',
  'reconcile',
  'engine',
  'http',
  'shop',
  'operations.ts',
  'index.ts',
  'peers',
]

function roomOf(file: string): string {
  const path = file.slice(library.length)
  const fitting = rooms.filter(room => path === room || path.startsWith(`${room}/`))
  return fitting.reduce((best, room) => (room.length > best.length ? room : best), '')
}

/** Each circle as the files on it. */
function circlesAmong(all: readonly Source[]): string[] {
  const known = new Map(all.map(source => [source.file, source.imports]))
  const state = new Map<string, 'open' | 'done'>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const next of known.get(file) ?? []) if (known.has(next)) visit(next, [...path, file])
    state.set(file, 'done')
  }
  for (const { file } of all) visit(file, [])
  return circles
}

describe('the house', () => {
  test('every package imports only what it may, and files of its own by path', () => {
    const wrong: string[] = []
    for (const { file, imports } of sources) {
      const [, name = ''] = file.split('/')
      for (const target of imports) {
        const isOurs = target === 'holdfast' || target.startsWith('holdfast/') || target.startsWith('@holdfast/')
        if (isOurs && !mayUse[name]?.some(allowed => target === allowed || target.startsWith(`${allowed}/`))) {
          wrong.push(`${file} imports ${target}`)
        }
        if (target.startsWith('packages/') && !target.startsWith(`packages/${name}/`)) {
          wrong.push(`${file} imports ${target}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('imports within the library point one way', () => {
    const wrong: string[] = []
    for (const { file, imports } of sources.filter(source => source.file.startsWith(library))) {
      const from = rooms.indexOf(roomOf(file))
      if (from < 0) wrong.push(`${file} stands in no room`)
      for (const target of imports.filter(one => one.startsWith(library))) {
        if (rooms.indexOf(roomOf(target)) > from) wrong.push(`${file} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('there are no circles of imports', () => {
    expect(circlesAmong([...sources, ...proofs])).toEqual([])
  })

  test('a circle would be found', () => {
    const at = (file: string, ...imports: string[]) => ({ file, text: '', imports })
    expect(circlesAmong([at('a', 'b'), at('b', 'c'), at('c', 'b')])).toEqual(['b → c → b'])
  })

  test('every import by path leads to a file', () => {
    const missing = [...sources, ...proofs].flatMap(({ file, imports }) =>
      imports
        .filter(
          target => target.startsWith('packages/') || (target.startsWith('proofs/') && !file.includes('/mutants/')),
        )
        .filter(target => !existsSync(join(root, target)))
        .map(target => `${file} imports ${target}`),
    )
    expect(missing).toEqual([])
  })

  test('domain/ is pure: it imports no module that does anything', () => {
    const outside = sources
      .filter(({ file }) => roomOf(file) === 'domain')
      .flatMap(({ file, imports }) => imports.filter(name => !name.startsWith(library)).map(name => `${file}: ${name}`))
      .filter(line => !line.includes('dinero.js'))
    expect(outside).toEqual([])
  })

  test('every statement has a name of its own', () => {
    const names = new Map<string, string[]>()
    for (const { file, text } of sources.filter(source => !source.file.startsWith('packages/testing/'))) {
      for (const [, name = ''] of text.matchAll(/\bstatement\(\s*'([a-z0-9_]+)'/g)) {
        names.set(name, [...(names.get(name) ?? []), file])
      }
    }
    expect(names.size).toBeGreaterThan(50)
    expect([...names].filter(([, files]) => files.length > 1)).toEqual([])
  })

  test('files are named in kebab case and open with a sentence that says what they are', () => {
    const wrong: string[] = []
    for (const { file, text } of [...sources, ...proofs]) {
      if (!/^(\d-)?[a-z0-9]+(-[a-z0-9]+)*\.tsx?$/.test(file.split('/').at(-1) ?? '')) wrong.push(`${file}: name`)
      if (!/^(#!.*\n)?\/\*\*/.test(text)) wrong.push(`${file}: no opening sentence`)
    }
    expect(wrong).toEqual([])
  })

  test('there are no barrels, no default exports, and no escapes from the compiler', () => {
    const wrong = sources.flatMap(({ file, text }) =>
      [/^export \*/m, /^export default/m, /@ts-(ignore|nocheck|expect-error)/]
        .filter(pattern => pattern.test(text))
        .map(pattern => `${file}: ${pattern}`),
    )
    expect(wrong).toEqual([])
  })
})
