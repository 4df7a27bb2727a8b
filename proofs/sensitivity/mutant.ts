/** A mutant: the engine with one defence removed, as exact text replacements. */

/** `find` must occur exactly once in `file`, after earlier edits, so that no mutant becomes stale unnoticed. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A proof: a test by its file and a pattern of its full title, or the proof of the lock order. */
export type ProofChoice =
  | { readonly kind: 'test'; readonly file: string; readonly title: string }
  | { readonly kind: 'lock order' }

export interface Mutant {
  readonly name: string
  /** The removed defence, as the continuation of "without". */
  readonly without: string
  readonly edits: readonly Edit[]
  /** The proof that is known to find a violation, used by `--short`. With a backing: when the backing is also removed. */
  readonly foundBy: ProofChoice
  /** The defence that compensates for the removal. If both are removed, a violation must be found. */
  readonly backing?: Backing
}

export interface Backing {
  readonly name: string
  readonly edits: readonly Edit[]
}

export const inTest = (file: string, title: string): ProofChoice => ({ kind: 'test', file, title })
