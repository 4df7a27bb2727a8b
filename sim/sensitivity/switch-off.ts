/**
 * Switches one defence off and lets the proofs look: alone first, then, where another defence holds all the same, with
 * that one off too. A defence counts as detected only where a violation was found.
 */
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
  alone: Finding
  /** What backs it; null where nothing has to. */
  heldBy: string | null
  /** With the backing off too; null where that was not needed. */
  together: Finding | null
  detected: boolean
}

/** Runs proofs until one finds a violation. What broke on the way is kept, for it tells what held instead. */
export function look(edits: readonly Edit[], proofs: readonly Proof[]): Promise<Finding> {
  return withProofBuild(edits, async directory => {
    let seconds = 0
    const after: string[] = []
    let said: string | null = null
    for (const proof of proofs) {
      const verdict = await proof.run(directory)
      seconds += verdict.seconds
      if (verdict.violated) return { ...verdict, seconds, foundBy: proof.name }
      after.push(verdict.after)
      said ??= verdict.said
    }
    return { violated: false, said, after: after.join(', '), seconds, foundBy: null }
  })
}

/** A proof build that could not be looked at was not found wanting, so it fails the proof. */
function failed(error: unknown): Finding {
  return { violated: false, said: `could not be looked at: ${String(error)}`, after: '', seconds: 0, foundBy: null }
}

export async function switchOff(mutant: Mutant, proofs: readonly Proof[]): Promise<Result> {
  const { name, without, edits, backing } = mutant
  const alone = await look(edits, proofs).catch(failed)
  const needsMore = !alone.violated && backing !== undefined
  const together = needsMore ? await look([...edits, ...backing.edits], proofs).catch(failed) : null
  const heldBy = needsMore ? backing.name : null
  return { name, without, alone, heldBy, together, detected: alone.violated || together?.violated === true }
}

/** A result in one line. */
export function shown({ name, alone, heldBy, together, detected }: Result): string {
  const last = together ?? alone
  const how = heldBy === null ? '' : ` (alone held by ${heldBy})`
  return `${name}: ${detected ? 'detected' : 'NOT DETECTED'}${how}: ${last.said ?? 'nothing was found'}`
}
