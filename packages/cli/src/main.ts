/** The `holdfast` command: the one place that reads the environment and the terminal. */
import type { Caller } from './command.ts'
import { localHost } from './process/local-host.ts'
import { runProgram } from './program.ts'
import { terminalOf } from './terminal/screen.ts'

const { env, stdout, stderr } = process
const isTty = stdout.isTTY === true && stderr.isTTY === true

// A reader may close the pipe early (`holdfast audit | head`). That is not an error.
const gone = new AbortController()
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (stream === stdout) gone.abort()
  })
}

const caller: Caller = {
  out: text => void stdout.write(text),
  err: text => void stderr.write(text),
  colours: isTty && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
  isTty,
  directory: process.cwd(),
  columns: stdout.columns,
  terminal: stdout.isTTY === true && env.TERM !== 'dumb' ? terminalOf(stdout) : undefined,
  gone: gone.signal,
}
const args = process.argv.slice(2)

process.exitCode = await runProgram(args, localHost({ caller, environment: env, args }))
