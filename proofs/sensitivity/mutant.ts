/** What a mutant is: the engine with one defence removed, as exact replacements of text that must each fit exactly once. */

/** `find` stands exactly once in `file` (after the edits before it), so that no mutant rots silently. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A proof by its name: a test (file, and a pattern for its full title), or the one of the order of locks. */
export type ProofChoice =
  | { readonly kind: 'test'; readonly file: string; readonly title: string }
  | { readonly kind: 'lock order' }

export interface Mutant {
  readonly name: string
  /** What is switched off, as a sentence goes on after "without". */
  readonly without: string
  readonly edits: readonly Edit[]
  /** The proof known to find it: the one that `--short` runs. With a backing: to find it with that off too. */
  readonly foundBy: ProofChoice
  /** What holds where this defence alone is gone. With it off too there must be a violation. */
  readonly backing?: Backing
}

export interface Backing {
  readonly name: string
  readonly edits: readonly Edit[]
}

export const inTest = (file: string, title: string): ProofChoice => ({ kind: 'test', file, title })
