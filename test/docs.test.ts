/** The documentation agrees with the code: generated pages are fresh, and links lead to files and headings that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorEntries, errorGroups, errorMarkdown } from '../build/error-reference.ts'
import { errorCodes } from '../packages/holdfast/src/http/errors.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(ending) && !name.includes('node_modules') && !name.includes('dist/'))
    .map(name => join(folder, name))
}

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...filesUnder('docs', '.md'),
  ...readdirSync(join(root, 'packages'))
    .map(name => `packages/${name}/README.md`)
    .filter(file => existsSync(join(root, file))),
]

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map(heading =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  )
}

describe('docs/errors.md', () => {
  test('is what `npm run docs` writes', () => {
    expect(read('docs/errors.md')).toBe(errorMarkdown())
  })

  test('describes every code of the library and of HTTP, each once', () => {
    expect(errorGroups.flatMap(({ codes }) => codes).sort()).toEqual([...errorCodes].sort())
    expect(Object.keys(errorEntries).sort()).toEqual([...errorCodes].sort())
  })

  test('names only codes that the code produces, and email_missing, which is reserved', () => {
    const tables = ['domain/failure.ts', 'http/errors.ts']
    const sources = filesUnder('packages/holdfast/src', '.ts')
      .filter(file => !tables.some(table => file.endsWith(table)))
      .map(read)
      .join('\n')
    const errors = read('packages/holdfast/src/http/errors.ts').split('export function statusOf')[1] ?? ''
    const unused = errorCodes.filter(code => !sources.includes(`'${code}'`) && !errors.includes(`'${code}'`))
    expect(unused).toEqual(['email_missing'])
  })
})

describe('links', () => {
  test.each(pages)('%s leads to files and headings that exist', file => {
    const text = read(file)
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, target = '']) => target)
    const broken = links.filter(link => {
      const [path = '', anchor] = link.split('#', 2)
      const target = path === '' ? file : join(dirname(file), path)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(read(target)).has(anchor)
    })
    expect(broken).toEqual([])
  })

  test.each(pages)('%s names only files of the repository that exist', file => {
    const named = [...read(file).matchAll(/`((?:packages|proofs|bench|build|docs|test)\/[\w./-]+)`/g)]
    const missing = named.map(([, path = '']) => path).filter(path => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })
})
