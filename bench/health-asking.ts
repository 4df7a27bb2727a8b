/** Asks a server's health at fixed times, whatever the answers take, and says how long they took. */
import http from 'node:http'
import { percentile } from './load.ts'

export interface Asked {
  path: string
  answers: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
  maxMs: number
  /** Answers by what they said: "200 healthy". */
  said: Record<string, number>
}

const sleepUntil = (at: number) => new Promise(resolve => setTimeout(resolve, Math.max(0, at - performance.now())))

/** Each of `paths` every `everyMs` for so many seconds, in turns, over connections that are kept. */
export async function ask(url: string, paths: readonly string[], everyMs: number, seconds: number): Promise<Asked[]> {
  const agent = new http.Agent({ keepAlive: true })
  const tookMs = new Map<string, number[]>(paths.map(path => [path, []]))
  const said = new Map<string, Record<string, number>>(paths.map(path => [path, {}]))

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
          const words = said.get(path) ?? {}
          const word = `${response.statusCode} ${(JSON.parse(body) as { status: string }).status}`
          words[word] = (words[word] ?? 0) + 1
          resolve()
        })
        response.on('error', reject)
      })
      request.on('error', reject)
    })
  }

  const under: Promise<void>[] = []
  const startedAt = performance.now()
  for (let round = 0; round * everyMs < seconds * 1000; round += 1) {
    for (const [at, path] of paths.entries()) {
      await sleepUntil(startedAt + (round + at / paths.length) * everyMs)
      under.push(once(path))
    }
  }
  await Promise.all(under)
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
      said: said.get(path) ?? {},
    }
  })
}
