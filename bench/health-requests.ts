/** Requests health endpoints at fixed times, regardless of how long the answers take, and measures the latencies. */
import http from 'node:http'
import { percentile } from './load.ts'

export interface Latencies {
  path: string
  answers: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
  maxMs: number
  /** Counts of answers by status: "200 healthy". */
  statuses: Record<string, number>
}

const sleepUntil = (at: number) => new Promise(resolve => setTimeout(resolve, Math.max(0, at - performance.now())))

/** Requests each of `paths` every `everyMs` for `seconds`, in alternation, over kept-alive connections. */
export async function requestHealth(
  url: string,
  paths: readonly string[],
  everyMs: number,
  seconds: number,
): Promise<Latencies[]> {
  const agent = new http.Agent({ keepAlive: true })
  const tookMs = new Map<string, number[]>(paths.map(path => [path, []]))
  const statuses = new Map<string, Record<string, number>>(paths.map(path => [path, {}]))

  function once(path: string): Promise<void> {
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      const request = http.get(`${url}${path}`, { agent }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', chunk => {
          body += chunk
        })
        response.on('end', () => {
          tookMs.get(path)?.push(performance.now() - startedAt)
          const counts = statuses.get(path) ?? {}
          const status = `${response.statusCode} ${(JSON.parse(body) as { status: string }).status}`
          counts[status] = (counts[status] ?? 0) + 1
          resolve()
        })
        response.on('error', reject)
      })
      request.on('error', reject)
    })
  }

  const requests: Promise<void>[] = []
  const startedAt = performance.now()
  for (let round = 0; round * everyMs < seconds * 1000; round += 1) {
    for (const [at, path] of paths.entries()) {
      await sleepUntil(startedAt + (round + at / paths.length) * everyMs)
      requests.push(once(path))
    }
  }
  await Promise.all(requests)
  agent.destroy()
  return paths.map(path => {
    const sorted = (tookMs.get(path) ?? []).toSorted((a, b) => a - b)
    return {
      path,
      answers: sorted.length,
      p50Ms: percentile(sorted, 0.5),
      p95Ms: percentile(sorted, 0.95),
      p99Ms: percentile(sorted, 0.99),
      maxMs: sorted.at(-1) ?? Number.NaN,
      statuses: statuses.get(path) ?? {},
    }
  })
}
