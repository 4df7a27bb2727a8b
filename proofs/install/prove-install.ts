/**
 * Installs the packed packages into empty projects, as an adopter does. Proves that `holdfast` and a driver are enough:
 * the types compile strictly, a checkout completes, and a missing peer is named with the command that installs it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type PackedPackage, packAll, root, run } from '../../build/packages.ts'

export interface InstallOptions {
  /** An empty database. */
  databaseUrl: string
  /** Receives the archives and the projects. */
  directory: string
}

export interface InstallReport {
  /** Of `node_modules` with `holdfast` and `pg`. */
  installedBytes: number
  installedPackages: number
  /** Of `node_modules` with the command line as well. */
  installedBytesWithCommand: number
  /** What failed, in sentences; empty if the proof holds. */
  wrong: string[]
}

const sample = path.join(import.meta.dirname, 'sample')
const typescript = path.join(root, 'node_modules/typescript/bin/tsc')
const readyMs = 60_000

/** The optional peers of `holdfast` that must not be installed with it. */
const peers = [
  '@electric-sql/pglite',
  'nodemailer',
  '@slack/webhook',
  'stripe',
  'redis',
  'prom-client',
  '@opentelemetry/api',
]

const resolutions = [
  { name: 'node16', module: 'node16', moduleResolution: 'node16' },
  { name: 'nodenext', module: 'nodenext', moduleResolution: 'nodenext' },
  { name: 'bundler', module: 'preserve', moduleResolution: 'bundler' },
] as const

async function createProject(directory: string): Promise<string> {
  await mkdir(directory)
  await writeFile(path.join(directory, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  return directory
}

async function install(project: string, ...packages: readonly string[]): Promise<void> {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier']
  await run('npm', ['install', ...flags, ...packages], { cwd: project })
}

/** The output of a program, and its errors if it fails. */
async function outputOf(project: string, program: string, environment: Record<string, string> = {}): Promise<string> {
  const env = { PATH: process.env.PATH, ...environment }
  return run(process.execPath, [program], { cwd: project, env }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`,
  )
}

/** What the README's example takes from its application. */
const readmeApplication = `import type { ListenerFunction, RequiredAction } from 'holdfast'
declare const sendOrderConfirmation: ListenerFunction, notifyAdmin: ListenerFunction
declare const cartId: string, sessionId: string, token: string
declare function show(action: RequiredAction): void`

/** The first example of the README as a module. */
async function readmeModule(): Promise<string> {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8')
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? []
  const [imports = '', ...statements] = example.split('\n')
  return `${imports}\n${readmeApplication}\nexport async function example() {\n${statements.join('\n')}return order\n}\n`
}

/** The complaints of the compiler; empty if there are none. Only the last resolution writes JavaScript. */
async function compile(project: string, resolution: (typeof resolutions)[number]): Promise<string> {
  const compilerOptions = {
    ...{ module: resolution.module, moduleResolution: resolution.moduleResolution },
    ...{ target: 'es2023', lib: ['es2023'], strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
    ...{ verbatimModuleSyntax: true, outDir: 'built', rootDir: 'src' },
    // The project has no dependencies but Holdfast and its driver; the types of Node.js come from the repository.
    ...{ types: ['node'], typeRoots: [path.join(root, 'node_modules/@types')] },
  }
  await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }))
  return run(process.execPath, [typescript, '-p', project], { cwd: project }).then(
    () => '',
    (error: { stdout: string }) => error.stdout.trim(),
  )
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(async file => (await stat(path.join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function installedNames(project: string): Promise<string[]> {
  const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: project })
  return stdout
    .trim()
    .split('\n')
    .flatMap(line => line.split('/node_modules/').slice(1).at(-1) ?? [])
}

/** Starts `holdfast serve --demo` in `project` and requests a page. Returns what is wrong; null if nothing is. */
async function serveDemo(project: string): Promise<string | null> {
  const command = path.join(project, 'node_modules/.bin/holdfast')
  const child: ChildProcess = spawn(command, ['serve', '--demo', '--port', '0'], {
    cwd: project,
    env: { PATH: process.env.PATH, NODE_ENV: 'test', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = once(child, 'close')
  const late = setTimeout(() => child.kill('SIGKILL'), readyMs)
  let output = ''
  try {
    const ready = new Promise<string | null>(resolve => {
      const read = (chunk: Buffer) => {
        output += chunk
        const [url] = /http:\S+\d/.exec(output) ?? []
        if (url !== undefined) resolve(url)
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
      void gone.then(() => resolve(null))
    })
    const url = await ready
    if (url === null) return `holdfast serve --demo did not start: ${output.slice(-2_000)}`
    const page = await fetch(url, { headers: { Accept: 'text/html' } })
    return page.status === 200 ? null : `holdfast serve --demo answered / with ${page.status}`
  } finally {
    clearTimeout(late)
    child.kill('SIGTERM')
    await gone
  }
}

async function proveLibrary({ databaseUrl, directory }: InstallOptions, archives: Map<string, string>) {
  const wrong: string[] = []
  const expect = (what: string, found: string, expected: string) => {
    if (found !== expected) wrong.push(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
  }
  const project = await createProject(path.join(directory, 'library'))
  await install(project, archives.get('holdfast') ?? '')
  await cp(sample, path.join(project, 'src'), { recursive: true })
  await writeFile(path.join(project, 'src/readme.ts'), await readmeModule())
  for (const resolution of resolutions) {
    expect(`compiler with ${resolution.name}, without a driver`, await compile(project, resolution), '')
  }
  const named = (peer: string) => `"the package \\"${peer}\\" is not installed; run: npm install ${peer}"\n`
  const missing = await outputOf(project, 'built/missing-peers.js')
  expect('errors of missing peers', missing, `${named('@electric-sql/pglite')}${named('pg')}`)

  await install(project, 'pg')
  for (const resolution of resolutions) {
    expect(`compiler with ${resolution.name}`, await compile(project, resolution), '')
  }
  const installed = await installedNames(project)
  const unwanted = installed.filter(name => peers.includes(name))
  expect('optional peers that were installed', unwanted.join(', '), '')
  const bought = await outputOf(project, 'built/checkout.js', { DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' })
  expect('checkout', bought, '{"total":2990,"status":"paid","live":200}\n')
  const installedBytes = await sizeOf(path.join(project, 'node_modules'))
  return { installedBytes, installedPackages: installed.length, wrong }
}

async function proveCommand({ directory }: InstallOptions, archives: Map<string, string>) {
  const project = await createProject(path.join(directory, 'command'))
  await install(project, ...archives.values())
  const failure = await serveDemo(project)
  const installedBytesWithCommand = await sizeOf(path.join(project, 'node_modules'))
  return { installedBytesWithCommand, wrong: failure === null ? [] : [failure] }
}

/** Needs `npm run build` before. */
export async function proveInstall(options: InstallOptions): Promise<InstallReport> {
  const packed: PackedPackage[] = await packAll(options.directory)
  const archives = new Map(packed.map(({ name, file }) => [name, file]))
  const library = await proveLibrary(options, archives)
  const command = await proveCommand(options, archives)
  return { ...library, ...command, wrong: [...library.wrong, ...command.wrong] }
}
