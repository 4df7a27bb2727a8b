/** A real Prometheus in a temporary directory, with the documented configuration and shorter intervals. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../packages/testing/src/free-port.ts'

export interface Alert {
  labels: Record<string, string>
  state: 'pending' | 'firing'
}

export interface Target {
  health: string
  lastError: string
}

export interface Rule {
  name: string
  health: string
}

export interface PrometheusServer {
  targets(): Promise<Target[]>
  rules(): Promise<Rule[]>
  alerts(): Promise<Alert[]>
  /** The value of each series. @throws if the expression is invalid. */
  query(expression: string): Promise<number[]>
  /** Polls every 250 ms until `holds`. @throws after `timeoutMs`, with `what`. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>
  stop(): Promise<void>
}

const timeoutMs = 25_000
export const operating = fileURLToPath(new URL('../../docs/operating', import.meta.url))

/** The two scraped processes of a shop. */
export interface Targets {
  /** `holdfast serve` */
  serves: URL
  /** `holdfast work` */
  works: URL
}

/** Writes the documented configuration with the URLs and the secret of the shop, and with seconds instead of minutes. */
async function configure(directory: string, { serves, works }: Targets, secret: string): Promise<void> {
  const [config, rules] = await Promise.all(
    ['prometheus.yml', 'prometheus-rules.yml'].map(file => readFile(path.join(operating, file), 'utf8')),
  )
  await writeFile(path.join(directory, 'metrics-secret'), secret, { mode: 0o600 })
  await writeFile(
    path.join(directory, 'prometheus.yml'),
    `${config}`
      .replaceAll('_interval: 15s', '_interval: 1s')
      .replace('127.0.0.1:3000', serves.host)
      .replace('# - "127.0.0.1:9464"', `- "${works.host}"`),
  )
  await writeFile(path.join(directory, 'prometheus-rules.yml'), `${rules}`.replaceAll(/for: \d+[mh]/g, 'for: 1s'))
}

/** @throws with the output if Prometheus does not become ready. */
export async function startPrometheus(directory: string, targets: Targets, secret: string): Promise<PrometheusServer> {
  await configure(directory, targets, secret)
  const port = await freePort()
  const options = {
    'config.file': path.join(directory, 'prometheus.yml'),
    'storage.tsdb.path': path.join(directory, 'data'),
    'web.listen-address': `127.0.0.1:${port}`,
    'log.level': 'warn',
  }
  const child: ChildProcess = spawn(
    'prometheus',
    Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const gone = once(child, 'close')
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  let output = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    output = (output + chunk).slice(-8_192)
  })
  let failure: Error | null = null
  child.on('error', error => {
    failure = error
  })

  async function request<Data>(what: string): Promise<Data> {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${what}`, { signal: AbortSignal.timeout(5_000) })
    const body = (await response.json()) as { status: string; data: Data; error?: string }
    if (body.status !== 'success') throw new Error(`${what}: ${body.error}`)
    return body.data
  }

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!(await holds())) {
      if (failure !== null) throw failure
      if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s\n${output}`)
      await pause(250)
    }
  }

  async function stop(): Promise<void> {
    process.off('exit', end)
    child.kill('SIGTERM')
    const late = setTimeout(end, 10_000)
    await gone
    clearTimeout(late)
  }

  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  try {
    await until('Prometheus becomes ready', isReady)
  } catch (error) {
    if (failure === null) await stop()
    throw error
  }
  return {
    targets: async () => (await request<{ activeTargets: Target[] }>('targets?state=active')).activeTargets,
    rules: async () => (await request<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
    alerts: async () => (await request<{ alerts: Alert[] }>('alerts')).alerts,
    async query(expression) {
      const { result } = await request<{ result: { value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      )
      return result.map(({ value }) => Number(value[1]))
    },
    until,
    stop,
  }
}
