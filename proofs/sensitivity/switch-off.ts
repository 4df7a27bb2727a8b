/**
 * Removes one defence and runs the proofs: first alone; then, if another defence compensates, with that one removed as
 * well. A defence counts as detected only if a proof found a violation.
 */
import { short } from './evidence.ts'
import type { Edit, Mutant } from './mutant.ts'
import { withProofBuild } from './proof-build.ts'
import type { Proof, Verdict } from './proofs.ts'

export interface Finding extends Verdict {
  /** The proof that found the violation; null if none did. */
  foundBy: string | null
}

export interface Result {
  name: string
  without: string
  /** Null if the defence was not removed alone. */
  alone: Finding | null
  /** The compensating defence; null if none was needed. */
  heldBy: string | null
  /** With the backing removed as well; null if that was not needed. */
  together: Finding | null
  detected: boolean
}

/**
 * Runs proofs until one finds a violation, or all of them with `runsAll`. Without a violation, the errors of the proofs
 * are kept, for they show what stopped the mutant.
 */
export function look(edits: readonly Edit[], proofs: readonly Proof[], runsAll = false): Promise<Finding> {
  return withProofBuild(edits, async directory => {
    const looks: (Verdict & { name: string })[] = []
    const blind: unknown[] = []
    for (const proof of proofs) {
      const verdict = await proof.run(directory).catch((error: unknown) => void blind.push(error))
      if (verdict === undefined) continue
      looks.push({ ...verdict, name: proof.name })
      if (verdict.violated && !runsAll) break
    }
    const found = looks.filter(({ violated }) => violated)
    // A proof that could not run may have found something, so this is not a clean result.
    if (found.length === 0 && blind.length > 0) throw blind[0]
    const relevant = found.length > 0 ? found : looks
    return {
      violated: found.length > 0,
      foundBy: found.length > 0 ? found.map(({ name }) => name).join(', ') : null,
      said: relevant.find(({ said }) => said !== null)?.said ?? null,
      after: relevant.map(({ after }) => after).join(', '),
      seconds: looks.reduce((sum, { seconds }) => sum + seconds, 0),
    }
  })
}

/** The finding of a proof build whose proofs could not run. The mutant counts as not detected. */
function failed(error: unknown): Finding {
  const why = short(error instanceof Error ? error.message : String(error))
  return { violated: false, said: `could not run: ${why}`, after: '', seconds: 0, foundBy: null }
}

export interface SwitchOffOptions {
  proofs: readonly Proof[]
  /** Run all proofs instead of stopping at the first violation. */
  runsAll: boolean
  /** Do not remove a defence alone if it has a backing. */
  onlyTogether: boolean
}

export async function switchOff(mutant: Mutant, { proofs, runsAll, onlyTogether }: SwitchOffOptions): Promise<Result> {
  const { name, without, edits, backing } = mutant
  const skipsAlone = onlyTogether && backing !== undefined
  const alone = skipsAlone ? null : await look(edits, proofs, runsAll).catch(failed)
  const needsMore = alone?.violated !== true && backing !== undefined
  const together = needsMore ? await look([...edits, ...backing.edits], proofs, runsAll).catch(failed) : null
  const heldBy = needsMore ? backing.name : null
  return { name, without, alone, heldBy, together, detected: alone?.violated === true || together?.violated === true }
}

/** The result as one line. */
export function shown({ name, alone, heldBy, together, detected }: Result): string {
  const last = together ?? alone
  const how = heldBy === null ? '' : ` (alone compensated by ${heldBy})`
  return `${name}: ${detected ? 'detected' : 'NOT DETECTED'}${how}: ${last?.said ?? 'no violation'}`
}
