/** The simulator as an HTTP server on a port, which can also break connections. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createStripeSimulator, type StripeSimulatorOptions } from '../create-simulator.ts'
import type { StripeSimulator } from '../stripe-simulator.ts'
import { ConnectionFailure } from './api.ts'

export interface StripeSimulatorServerOptions extends StripeSimulatorOptions {
  /** Default: 0, any free port. */
  port?: number
  /** Default: 127.0.0.1. */
  host?: string
}

/** `host`, `port`, and `protocol` are options of `new Stripe(key, { host, port, protocol })`. */
export interface StripeSimulatorServer extends StripeSimulator {
  url: string
  host: string
  port: number
  protocol: 'http'
  /** Refuses connections until `acceptConnections`. */
  refuseConnections(): Promise<void>
  acceptConnections(): Promise<void>
  /** Stops the server and its connections immediately. Requests in progress get no answer. */
  stop(): Promise<void>
}

const bodyMax = 2_000_000
const tickMs = 20
const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length
    if (size > bodyMax) throw new ConnectionFailure('ECONNRESET')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function requestOf(incoming: IncomingMessage, body: Buffer, url: string, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const method = incoming.method ?? 'GET'
  return new Request(`${url}${incoming.url ?? '/'}`, {
    method,
    headers,
    signal,
    ...(method === 'GET' || method === 'HEAD' ? {} : { body: new Uint8Array(body) }),
  })
}

const listening = (server: Server, port: number, host: string) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })

/** The headers for preflight requests of browsers. */
const preflight = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, content-type, idempotency-key, stripe-version',
}

/** Starts a server that sends webhooks and runs due jobs by itself, until `stop`. Rejects if the port is in use. */
export async function startStripeSimulator(options: StripeSimulatorServerOptions = {}): Promise<StripeSimulatorServer> {
  const { port: wanted = 0, host = '127.0.0.1' } = options
  const sockets = new Set<Socket>()
  const answering = new Set<Socket>()
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing))
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await listening(server, wanted, host)
  const { port } = server.address() as AddressInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const simulator = createStripeSimulator({ url, ...options }, { refuseFor })

  /** After the requests in progress are answered. */
  function refuseFor(ms: number): void {
    setImmediate(() => void refused().then(() => setTimeout(() => void accepted(), ms).unref()))
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController()
    answering.add(incoming.socket)
    outgoing.once('close', () => {
      answering.delete(incoming.socket)
      if (!server.listening) incoming.socket.destroy()
      gone.abort()
    })
    if (incoming.method === 'OPTIONS') {
      outgoing.writeHead(204, preflight).end()
      return
    }
    try {
      const request = requestOf(incoming, await bodyOf(incoming), url, gone.signal)
      const response = await simulator.handle(request, {
        isLoopback: loopback.has(incoming.socket.remoteAddress ?? ''),
      })
      const body = Buffer.from(await response.arrayBuffer())
      outgoing.writeHead(response.status, [...response.headers].flat())
      outgoing.end(body)
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) process.emitWarning(error instanceof Error ? error : String(error))
      incoming.socket.resetAndDestroy()
    }
  }

  let working: Promise<unknown> | null = null
  const ticking = setInterval(() => {
    if (working !== null || simulator.dueInMs() !== 0) return
    working = simulator.runDueJobs().finally(() => {
      working = null
    })
  }, tickMs)
  ticking.unref()

  let isStopped = false
  /** Connections with a request in progress end by themselves. */
  async function refused(): Promise<void> {
    if (!server.listening) return
    server.close()
    for (const socket of sockets) if (!answering.has(socket)) socket.destroy()
    await new Promise(resolve => setImmediate(resolve))
  }
  const accepted = () => (isStopped || server.listening ? Promise.resolve() : listening(server, port, host))

  return {
    ...simulator,
    url,
    host,
    port,
    protocol: 'http',
    refuseConnections: refused,
    acceptConnections: accepted,
    async stop() {
      isStopped = true
      clearInterval(ticking)
      simulator.close()
      await refused()
      for (const socket of sockets) socket.destroy()
      await working
    },
  }
}
