/** Runs a proof or a benchmark as a program: reads its options, prints its report, and sets the exit code. */
import { flag, type Options, readOptions, UsageError, usageOf, type Values } from './options.ts'

export interface ProofResult {
  /** The report for people. */
  text: string
  /** The report for programs, printed with `--json`. A result without one is printed as text. */
  report?: unknown
  holds: boolean
}

export interface Proof<Of extends Options> {
  /** As it is typed: `npm run prove:race --`. */
  command: string
  /** `--json` and `--help` are added. */
  options: Of
  /** @throws {UsageError} if the options contradict each other. */
  run(values: Values<Of>): Promise<ProofResult>
}

/** Exit codes: 0 the proof holds, 1 it fails, 2 invalid usage. */
export async function runProof<Of extends Options>({ command, options, run }: Proof<Of>): Promise<void> {
  const all = { ...options, json: flag('print the report as JSON'), help: flag('show this help') }
  const usage = usageOf(command, all)
  // Exits in an orderly way, so that the processes it started end with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  try {
    const values = readOptions(all, process.argv.slice(2))
    if (values.help) {
      process.stdout.write(usage)
      return
    }
    const { text, report, holds } = await run(values)
    process.stdout.write(values.json && report !== undefined ? `${JSON.stringify(report, null, 2)}\n` : text)
    process.exitCode = holds ? 0 : 1
  } catch (error) {
    const isUsage = error instanceof UsageError
    process.stderr.write(isUsage ? `${error.message}\n${usage}` : `${(error as Error).stack}\n`)
    process.exitCode = isUsage ? 2 : 1
  }
}
