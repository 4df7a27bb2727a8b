/** Finds the example commands in the help texts and in the documentation, so a test can run all of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandHost } from '../../src/command.ts'
import { runProgram } from '../../src/program.ts'

const root = join(import.meta.dirname, '../../../..')

/** The help text of a command, such as `['deliveries', 'retry']`; of the program for `[]`. */
export async function helpOf(path: readonly string[]): Promise<string> {
  let text = ''
  const caller = {
    out(written: string) {
      text += written
    },
    err() {},
    colours: false,
    isTty: false,
    directory: '.',
  }
  const unused = () => Promise.reject(new Error('help opens no store'))
  const host: CommandHost = { caller, environment: {}, run: unused, watch: unused, serve: unused, work: unused }
  await runProgram([...path, '--help'], host)
  return text
}

/** The paths of all commands and subcommands; the program itself is `[]`. */
export async function commandPaths(path: readonly string[] = []): Promise<string[][]> {
  const [, listed = ''] = (await helpOf(path)).split('\nCommands:\n')
  const names = (listed.split('\n\n')[0] ?? '').split('\n').flatMap(line => /^ {2}([a-z-]+)/.exec(line)?.[1] ?? [])
  const below = await Promise.all(names.filter(name => name !== 'help').map(name => commandPaths([...path, name])))
  return [[...path], ...below.flat()]
}

/**
 * One spelling per command: without `npx`, comment, and `&`; without `DATABASE_URL=…`, because each test has its own
 * database; with `ID` for every UUID.
 */
function normalized(line: string): string {
  return line
    .replace(/\s+#\s.*$/, '')
    .replace(/\s*&$/, '')
    .replace(/(^|\s)DATABASE_URL=\S+\s+/, '$1')
    .replace(/(^|\s)npx\s+holdfast/, '$1holdfast')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

const isCommand = (line: string): boolean => /^(?:[A-Z_]+=\S+\s+)*(?:npx\s+)?holdfast(?:\s|$)/.test(line)

async function inHelp(): Promise<string[]> {
  const texts = await Promise.all((await commandPaths()).map(helpOf))
  // Examples are indented; the line of usage is not.
  const lines = texts.flatMap(text => text.split('\n').filter(line => line.startsWith('  ')))
  return lines.map(line => line.trim()).filter(isCommand)
}

interface Document {
  file: string
  text: string
}

/** The pages that show commands. */
function documents(): Document[] {
  const readmes = ['packages', 'examples']
    .filter(folder => existsSync(join(root, folder)))
    .flatMap(folder => readdirSync(join(root, folder)).map(name => join(folder, name, 'README.md')))
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(name => join('docs', name))
  return ['README.md', ...readmes, ...pages]
    .filter(file => file.endsWith('.md') && existsSync(join(root, file)))
    .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))
}

/** The commands of the `sh` blocks, and of the transcripts, whose commands follow a `$`. */
function inDocument({ text }: Document): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```/gms)].flatMap(([, language, block = '']) => {
    const lines = block.replaceAll(/\\\n\s*/g, '').split('\n')
    if (language === 'sh') return lines.filter(isCommand)
    return lines
      .filter(line => line.startsWith('$ '))
      .map(line => line.slice(2))
      .filter(isCommand)
  })
}

/** All example commands, each once. */
export async function documentedCommands(): Promise<string[]> {
  const lines = [...(await inHelp()), ...documents().flatMap(inDocument)]
  return [...new Set(lines.map(normalized))].sort()
}

/** The commands in the running text: code spans that begin with `holdfast` and a command. */
export function mentionedCommands(): { file: string; command: string }[] {
  return documents().flatMap(({ file, text }) =>
    [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)]
      .map(([, span = '']) => normalized(span))
      .filter(span => /(?:^| )holdfast (?:--)?[a-z]/.test(span))
      .map(command => ({ file, command })),
  )
}

/** The arguments of a command as a shell passes them, up to a pipe. */
export function argumentsOf(command: string): string[] {
  const [line = ''] = command.split(' | ')
  const words: string[] = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []
  return words.slice(words.indexOf('holdfast') + 1).map(word => word.replaceAll(/^["']|["']$/g, ''))
}
