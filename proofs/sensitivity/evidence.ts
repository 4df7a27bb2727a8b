/**
 * What counts as a violation found: an invariant by its name, a checkout that never comes to rest, or a promise of a
 * test that does not hold. That something merely broke is no evidence: it may be the proof build that is broken.
 */

/** A test that failed, as its runner tells it. */
export interface Failure {
  file: string
  test: string
  error: string
  message: string
  /** Expected and received, where they were compared. */
  diff: string
}

const invariant = /\b(A1[0-2]|A[1-9]|B[1-4]|references): [^"\n]+/
const unrest = /does not come to rest/

/** One line, not too long. */
export const short = (text: string) => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

/** The difference, without what is the same on both sides. */
function difference(diff: string): string {
  const lines = diff.split('\n').filter(line => /^[+-] /.test(line) && !/^[+-] (Expected|Received)$/.test(line))
  return lines.slice(0, 4).join(' ')
}

/** What a failed test proves; null when it only broke. */
export function evidenceIn(failure: Failure): string | null {
  const { test, error, message, diff } = failure
  const named = invariant.exec(diff) ?? invariant.exec(message)
  if (named !== null) return short(named[0])
  if (unrest.test(message)) return `not converged, in "${test}"`
  if (error !== 'AssertionError') return null
  return short(`"${test}": ${difference(diff) || message}`)
}

/** What a test broke of, where that is no evidence. */
export const trouble = ({ test, message }: Failure): string => short(`"${test}" broke: ${message}`)

/** What a line of a program's findings proves: all but what broke, and what the harness says of itself. */
export function evidenceOf(line: string): string | null {
  if (/^(bug|harness): /.test(line)) return null
  return short(invariant.exec(line)?.[0] ?? line)
}

/** Of several pieces of evidence the one that names an invariant, else the first. */
export function bestOf(found: readonly (string | null)[]): string | null {
  const all = found.filter(evidence => evidence !== null)
  return all.find(evidence => invariant.test(evidence)) ?? all[0] ?? null
}
