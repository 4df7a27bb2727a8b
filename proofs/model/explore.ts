/** Runs spin, a C compiler and what they make of `checkout.pml` in a directory of its own. */
import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDirectory } from '../command.ts'
import { type Exploration, readExploration, readStatements, readTrail, type Statement } from './pan.ts'

export const modelFile = fileURLToPath(new URL('checkout.pml', import.meta.url))

/** Memory that a search may take before it is called incomplete. Megabytes. */
const memoryMaxMb = 2_000
const depthMax = 1_000_000

export interface Search {
  switches: readonly string[]
  /** Looks for runs that never end too, by depth first. Else, and for the shortest way to a violation: by breadth. */
  isLive: boolean
  isShortest: boolean
}

export interface Found extends Exploration {
  statements: Statement[]
  /** What happened on the way to the violation; empty where there is none. */
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

/** Which of the programs it needs is not there, in a sentence; null where all are. */
export async function whatIsMissing(): Promise<string | null> {
  const [spin, gcc] = await Promise.all([run('.', 'spin', ['-V']), run('.', 'gcc', ['--version'])])
  const missing = [...(spin.code === 'ENOENT' ? ['spin'] : []), ...(gcc.code === 'ENOENT' ? ['gcc'] : [])]
  if (missing.length === 0) return null
  return `The model is explored with spin and a C compiler, and ${missing.join(' and ')} cannot be found: install them (Debian: apt-get install spin gcc).`
}

async function done(directory: string, program: string, args: readonly string[]): Promise<string> {
  const { code, output } = await run(directory, program, args)
  if (code !== null) throw new Error(`${program} ${args.join(' ')} failed:\n${output}`)
  return output
}

/** Explores the model with some of its switches on. */
export function explore({ switches, isLive, isShortest }: Search): Promise<Found> {
  return withDirectory(async directory => {
    await copyFile(modelFile, path.join(directory, 'checkout.pml'))
    await done(directory, 'spin', ['-a', ...switches.map(name => `-D${name}`), 'checkout.pml'])
    const only = isLive ? [] : ['-DSAFETY', '-DNOCLAIM']
    const how = isShortest ? ['-DBFS'] : ['-DCOLLAPSE']
    // Not optimized: that takes longer than it saves.
    await done(directory, 'gcc', ['-w', '-O0', `-DMEMLIM=${memoryMaxMb}`, ...only, ...how, '-o', 'pan', 'pan.c'])
    // It says by its report how it ended, not by its code.
    const { output } = await run(directory, './pan', [...(isLive ? ['-a'] : []), `-m${depthMax}`])
    const found = readExploration(output)
    // A search that ends at a violation does not list what it did not reach; one that went through has no trail.
    if (found.errors > 0) {
      const replayed = await run(directory, './pan', ['-r'])
      return { ...found, statements: [], trail: readTrail(replayed.output) }
    }
    const listed = await run(directory, './pan', ['-d', '-d'])
    return { ...found, statements: readStatements(listed.output, output), trail: [] }
  })
}
