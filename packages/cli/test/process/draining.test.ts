/** The grace period before the port closes: probes fail first, late requests are still answered, and its length is bounded. */
import { describe, expect, it } from 'vitest'
import { createDraining } from '../../src/process/draining.ts'
import { listen } from '../../src/process/http-server.ts'

/** A server that stops as `holdfast serve` does, with a slow request that the test finishes. */
async function open(openMs: number) {
  const ending = new AbortController()
  const draining = createDraining({ openMs })
  let finish = () => {}
  const held = new Promise<void>(resolve => {
    finish = resolve
  })
  let arrived = () => {}
  const here = new Promise<void>(resolve => {
    arrived = resolve
  })
  const server = await listen(
    draining.watch(async request => {
      const { pathname } = new URL(request.url)
      if (pathname === '/health/ready') return new Response(null, { status: ending.signal.aborted ? 503 : 200 })
      if (pathname !== '/slow') return new Response('served')
      arrived()
      await held
      return new Response('in the end')
    }),
    { port: 0, host: '127.0.0.1' },
  )
  const url = server.addresses[0] ?? ''
  return {
    url,
    here,
    finish,
    ready: async () => (await fetch(`${url}/health/ready`)).status,
    async end() {
      ending.abort()
      await draining.done()
      await server.close()
    },
  }
}

describe('a server that stops', () => {
  it('fails the readiness probe, answers late and slow requests, and closes its port', async () => {
    const { url, here, finish, ready, end } = await open(400)
    expect(await ready()).toBe(200)
    const slow = fetch(`${url}/slow`)
    await here
    const ended = end()
    expect(await ready()).toBe(503)
    expect(await (await fetch(`${url}/products`)).text()).toBe('served')
    finish()
    expect(await (await slow).text()).toBe('in the end')
    await ended
    await expect(fetch(`${url}/products`)).rejects.toThrow()
  })

  it('closes at once if there was no readiness probe', async () => {
    const { url, end } = await open(60_000)
    expect(await (await fetch(`${url}/products`)).text()).toBe('served')
    await end()
    await expect(fetch(`${url}/products`)).rejects.toThrow()
  })
})
