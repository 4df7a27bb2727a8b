/**
 * Evidence of a violation: the name of an invariant, a checkout that does not converge, or a failed assertion of a test.
 * Any other error is no evidence, for the proof build itself may be broken.
 */

/** A failed test, as reported by the runner. */
export interface Failure {
  file: string
  test: string
  error: string
  message: string
  /** Expected and received values, if the assertion compared any. */
  diff: string
}

const invariant = /\b(A1[0-2]|A[1-9]|B[1-4]|references): [^"\n]+/
const notConverged = /does not converge/

/** The text as one line of at most 200 characters. */
export const short = (text: string) => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

/** The lines of a difference that are not the same on both sides. */
function difference(diff: string): string {
  const lines = diff.split('\n').filter(line => /^[+-] /.test(line) && !/^[+-] (Expected|Received)$/.test(line))
  return lines.slice(0, 4).join(' ')
}

/** The violation that a failed test proves; null if it only broke. */
export function evidenceIn(failure: Failure): string | null {
  const { test, error, message, diff } = failure
  const named = invariant.exec(diff) ?? invariant.exec(message)
  if (named !== null) return short(named[0])
  if (notConverged.test(message)) return `not converged, in "${test}"`
  if (error !== 'AssertionError') return null
  return short(`"${test}": ${difference(diff) || message}`)
}

/** The error of a test that broke without evidence. */
export const breakage = ({ test, message }: Failure): string => short(`"${test}" broke: ${message}`)

/** The violation that a finding of a program proves; null for bugs of the program or its harness. */
export function evidenceOf(line: string): string | null {
  if (/^(bug|harness): /.test(line)) return null
  return short(invariant.exec(line)?.[0] ?? line)
}

/** The first evidence that names an invariant, else the first one. */
export function bestOf(found: readonly (string | null)[]): string | null {
  const all = found.filter(evidence => evidence !== null)
  return all.find(evidence => invariant.test(evidence)) ?? all[0] ?? null
}
