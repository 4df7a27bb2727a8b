/**
 * Switches one defence off and lets the proofs look: alone first, then, where another defence holds all the same, with
 * that one off too. A defence counts as detected only where a violation was found.
 */
import { short } from './evidence.ts'
import type { Edit, Mutant } from './mutant.ts'
import { withProofBuild } from './proof-build.ts'
import type { Proof, Verdict } from './proofs.ts'

export interface Finding extends Verdict {
  /** The proof that found the violation; null where none did. */
  foundBy: string | null
}

export interface Result {
  name: string
  without: string
  /** Null where it was not looked at alone. */
  alone: Finding | null
  /** What backs it; null where nothing has to. */
  heldBy: string | null
  /** With the backing off too; null where that was not needed. */
  together: Finding | null
  detected: boolean
}

/**
 * Runs proofs until one finds a violation, or every one of them where `looksOn`. What broke on the way is kept where
 * nothing was found, for it tells what held instead.
 */
export function look(edits: readonly Edit[], proofs: readonly Proof[], looksOn = false): Promise<Finding> {
  return withProofBuild(edits, async directory => {
    const looks: (Verdict & { name: string })[] = []
    const blind: unknown[] = []
    for (const proof of proofs) {
      const verdict = await proof.run(directory).catch((error: unknown) => void blind.push(error))
      if (verdict === undefined) continue
      looks.push({ ...verdict, name: proof.name })
      if (verdict.violated && !looksOn) break
    }
    const found = looks.filter(({ violated }) => violated)
    // Nothing was found, but not everything was looked at: that is no "nothing".
    if (found.length === 0 && blind.length > 0) throw blind[0]
    const told = found.length > 0 ? found : looks
    return {
      violated: found.length > 0,
      foundBy: found.length > 0 ? found.map(({ name }) => name).join(', ') : null,
      said: told.find(({ said }) => said !== null)?.said ?? null,
      after: told.map(({ after }) => after).join(', '),
      seconds: looks.reduce((sum, { seconds }) => sum + seconds, 0),
    }
  })
}

/** A proof build that could not be looked at was not found wanting, so it fails the proof. */
function failed(error: unknown): Finding {
  const why = short(error instanceof Error ? error.message : String(error))
  return { violated: false, said: `could not be looked at: ${why}`, after: '', seconds: 0, foundBy: null }
}

export interface Eyes {
  proofs: readonly Proof[]
  /** Every proof looks, not only until the first finds something. */
  looksOn: boolean
  /** Where a defence is known to be backed, it is not looked at alone. */
  onlyTogether: boolean
}

export async function switchOff(mutant: Mutant, { proofs, looksOn, onlyTogether }: Eyes): Promise<Result> {
  const { name, without, edits, backing } = mutant
  const skipsAlone = onlyTogether && backing !== undefined
  const alone = skipsAlone ? null : await look(edits, proofs, looksOn).catch(failed)
  const needsMore = alone?.violated !== true && backing !== undefined
  const together = needsMore ? await look([...edits, ...backing.edits], proofs, looksOn).catch(failed) : null
  const heldBy = needsMore ? backing.name : null
  return { name, without, alone, heldBy, together, detected: alone?.violated === true || together?.violated === true }
}

/** A result in one line. */
export function shown({ name, alone, heldBy, together, detected }: Result): string {
  const last = together ?? alone
  const how = heldBy === null ? '' : ` (alone held by ${heldBy})`
  return `${name}: ${detected ? 'detected' : 'NOT DETECTED'}${how}: ${last?.said ?? 'nothing was found'}`
}
