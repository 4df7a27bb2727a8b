/** The texts of the pages: their type, how a shop replaces some of them, and how placeholders are filled. */
import { english } from './en.ts'

/** Sections of texts by name. `english` documents each of them. */
export type Copy = typeof english

/** Texts to replace, section by section. */
export type CopyOverrides = { [Section in keyof Copy]?: Partial<Copy[Section]> }

/** The English copy with `overrides`. */
export function copyWith(overrides: CopyOverrides): Copy {
  const sections = Object.entries(english).map(([name, texts]) => [
    name,
    { ...texts, ...overrides[name as keyof Copy] },
  ])
  return Object.fromEntries(sections) as Copy
}

/** Replaces `{name}` by `values.name`. Scripts use the same placeholders. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder))
}
