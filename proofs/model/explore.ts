/** Explores `checkout.pml` with spin and a C compiler in a temporary directory. */
import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDirectory } from '../command/temporary.ts'
import { type Exploration, readExploration, readStatements, readTrail, type Statement } from './pan.ts'

export const modelFile = fileURLToPath(new URL('checkout.pml', import.meta.url))

/** Memory of a search in megabytes; a search that needs more is incomplete. */
const memoryMaxMb = 2_000
const depthMax = 1_000_000

export interface Search {
  switches: readonly string[]
  /** Also looks for runs that never end. Needs a depth-first search. */
  isLive: boolean
  /** Finds the shortest trail to a violation, with a breadth-first search. */
  isShortest: boolean
}

export interface Found extends Exploration {
  statements: Statement[]
  /** The steps to the violation; empty if there is none. */
  trail: string[]
}

interface Ended {
  code: number | string | null
  output: string
}

function run(directory: string, program: string, args: readonly string[]): Promise<Ended> {
  return new Promise(resolve => {
    execFile(program, args, { cwd: directory, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? null, output: `${stdout}${stderr}` }),
    )
  })
}

/** An error message that names the programs to install; null if none is missing. */
export async function missingPrograms(): Promise<string | null> {
  const [spin, gcc] = await Promise.all([run('.', 'spin', ['-V']), run('.', 'gcc', ['--version'])])
  const missing = [...(spin.code === 'ENOENT' ? ['spin'] : []), ...(gcc.code === 'ENOENT' ? ['gcc'] : [])]
  if (missing.length === 0) return null
  return `${missing.join(' and ')} not found; install the missing programs (Debian: apt-get install spin gcc)`
}

async function runOrThrow(directory: string, program: string, args: readonly string[]): Promise<string> {
  const { code, output } = await run(directory, program, args)
  if (code !== null) throw new Error(`${program} ${args.join(' ')} failed:\n${output}`)
  return output
}

/** Explores the model with some of its switches set. */
export function explore({ switches, isLive, isShortest }: Search): Promise<Found> {
  return withDirectory(async directory => {
    await copyFile(modelFile, path.join(directory, 'checkout.pml'))
    await runOrThrow(directory, 'spin', ['-a', ...switches.map(name => `-D${name}`), 'checkout.pml'])
    const only = isLive ? [] : ['-DSAFETY', '-DNOCLAIM']
    const how = isShortest ? ['-DBFS'] : ['-DCOLLAPSE']
    // Without optimization, which would take longer than it saves.
    await runOrThrow(directory, 'gcc', ['-w', '-O0', `-DMEMLIM=${memoryMaxMb}`, ...only, ...how, '-o', 'pan', 'pan.c'])
    // The report says how the search ended; the exit code does not.
    const { output } = await run(directory, './pan', [...(isLive ? ['-a'] : []), `-m${depthMax}`])
    const found = readExploration(output)
    // A search that ends at a violation lists no unreached statements; a complete one has no trail.
    if (found.errors > 0) {
      const replayed = await run(directory, './pan', ['-r'])
      return { ...found, statements: [], trail: readTrail(replayed.output) }
    }
    const listed = await run(directory, './pan', ['-d', '-d'])
    return { ...found, statements: readStatements(listed.output, output), trail: [] }
  })
}
