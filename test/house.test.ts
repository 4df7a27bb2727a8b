/** Rules of the source tree: the direction of imports, no import cycles, and the names of files and statements. */
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
  /** Paths in this repository, and names of packages. */
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

/** The workspace packages that each package may import by name. */
const allowedPackages: Record<string, readonly string[]> = {
  holdfast: [],
  testing: ['holdfast'],
  'stripe-simulator': [],
  storefront: ['holdfast'],
  cli: ['holdfast', '@holdfast/storefront', '@holdfast/stripe-simulator', '@holdfast/testing'],
}

/**
 * The layers of the library, lowest first. A layer imports itself and the layers before it in this list. A layer is a
 * folder or a single file; the longest match counts.
 */
const layers: readonly string[] = [
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

function layerOf(file: string): string {
  const path = file.slice(library.length)
  const fitting = layers.filter(layer => path === layer || path.startsWith(`${layer}/`))
  return fitting.reduce((best, layer) => (layer.length > best.length ? layer : best), '')
}

/** Each import cycle as the path of its files. */
function cyclesAmong(all: readonly Source[]): string[] {
  const known = new Map(all.map(source => [source.file, source.imports]))
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const next of known.get(file) ?? []) if (known.has(next)) visit(next, [...path, file])
    state.set(file, 'done')
  }
  for (const { file } of all) visit(file, [])
  return cycles
}

describe('the source tree', () => {
  test('a package imports only allowed packages, and only its own files by path', () => {
    const wrong: string[] = []
    for (const { file, imports } of sources) {
      const [, name = ''] = file.split('/')
      for (const target of imports) {
        const isOurs = target === 'holdfast' || target.startsWith('holdfast/') || target.startsWith('@holdfast/')
        if (isOurs && !allowedPackages[name]?.some(allowed => target === allowed || target.startsWith(`${allowed}/`))) {
          wrong.push(`${file} imports ${target}`)
        }
        if (target.startsWith('packages/') && !target.startsWith(`packages/${name}/`)) {
          wrong.push(`${file} imports ${target}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('a layer of the library imports only lower layers', () => {
    const wrong: string[] = []
    for (const { file, imports } of sources.filter(source => source.file.startsWith(library))) {
      const from = layers.indexOf(layerOf(file))
      if (from < 0) wrong.push(`${file} is in no layer`)
      for (const target of imports.filter(one => one.startsWith(library))) {
        if (layers.indexOf(layerOf(target)) > from) wrong.push(`${file} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('there are no import cycles', () => {
    expect(cyclesAmong([...sources, ...proofs])).toEqual([])
  })

  test('an import cycle is found', () => {
    const at = (file: string, ...imports: string[]) => ({ file, text: '', imports })
    expect(cyclesAmong([at('a', 'b'), at('b', 'c'), at('c', 'b')])).toEqual(['b → c → b'])
  })

  test('every import by path names an existing file', () => {
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

  test('domain/ is pure: it imports nothing outside itself', () => {
    const outside = sources
      .filter(({ file }) => layerOf(file) === 'domain')
      .flatMap(({ file, imports }) => imports.filter(name => !name.startsWith(library)).map(name => `${file}: ${name}`))
      .filter(line => !line.includes('dinero.js'))
    expect(outside).toEqual([])
  })

  test('every statement has a unique name', () => {
    const names = new Map<string, string[]>()
    for (const { file, text } of sources.filter(source => !source.file.startsWith('packages/testing/'))) {
      for (const [, name = ''] of text.matchAll(/\bstatement\(\s*'([a-z0-9_]+)'/g)) {
        names.set(name, [...(names.get(name) ?? []), file])
      }
    }
    expect(names.size).toBeGreaterThan(50)
    expect([...names].filter(([, files]) => files.length > 1)).toEqual([])
  })

  test('file names are in kebab case, and each file has a header', () => {
    const wrong: string[] = []
    for (const { file, text } of [...sources, ...proofs]) {
      if (!/^(\d-)?[a-z0-9]+(-[a-z0-9]+)*\.tsx?$/.test(file.split('/').at(-1) ?? '')) wrong.push(`${file}: name`)
      if (!/^(#!.*\n)?\/\*\*/.test(text)) wrong.push(`${file}: no header`)
    }
    expect(wrong).toEqual([])
  })

  test('there are no barrels, no default exports, and no suppressed compiler errors', () => {
    const wrong = sources.flatMap(({ file, text }) =>
      [/^export \*/m, /^export default/m, /@ts-(ignore|nocheck|expect-error)/]
        .filter(pattern => pattern.test(text))
        .map(pattern => `${file}: ${pattern}`),
    )
    expect(wrong).toEqual([])
  })
})
