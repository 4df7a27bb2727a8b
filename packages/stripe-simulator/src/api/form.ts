/**
 * Parses form-encoded parameters with brackets (`metadata[a]=1`, `expand[]=x`) into a tree of bounded size and depth.
 */
import { invalid } from './refusal.ts'

export interface FormFields {
  [key: string]: FormValue
}
export type FormValue = string | FormFields

const pairsMax = 1_000
const depthMax = 8

/** The path of a name: `a[b][0]` is a, b, 0; `a[]` is a and an empty name. */
function pathOf(key: string): string[] | null {
  const [, root = '', rest = ''] = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(key) ?? []
  return root === '' ? null : [root, ...[...rest.matchAll(/\[([^[\]]*)\]/g)].map(([, name = '']) => name)]
}

const emptyFields = (): FormFields => Object.create(null) as FormFields

/** @throws {StripeRefusal} if names contradict each other, or if there are too many parameters. */
export function parseForm(text: string): FormFields {
  const fields = emptyFields()
  let pairs = 0
  for (const [key, value] of new URLSearchParams(text)) {
    const path = pathOf(key)
    pairs += 1
    if (path === null || path.length > depthMax || pairs > pairsMax)
      throw invalid(`Invalid request: ${key.slice(0, 100)}`)
    put(fields, path, value)
  }
  return fields
}

function put(fields: FormFields, path: readonly string[], value: string): void {
  let at = fields
  path.forEach((part, index) => {
    const name = part === '' ? String(Object.keys(at).length) : part
    const last = index === path.length - 1
    const there = at[name]
    if (there !== undefined && (last || typeof there === 'string')) {
      if (last && typeof there === 'string') {
        at[name] = value
        return
      }
      throw invalid('Invalid hash', { param: path[0] ?? '' })
    }
    const next = last ? value : (there ?? emptyFields())
    at[name] = next
    if (typeof next !== 'string') at = next
  })
}

/** The same text for the same parameters, in any order. */
export function canonicalForm(value: FormValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  const entries = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonicalForm(value[key] ?? '')}`)
  return `{${entries.join(',')}}`
}
