/** An HTTP server for a fetch handler. It answers every request in flight before it closes. */
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createAdaptorServer } from '@hono/node-server'
import type { HttpHandler } from 'holdfast/http'

export interface HttpServer {
  /** Base URLs, like "http://127.0.0.1:3000". More than one if it listens on every interface. */
  addresses: string[]
  /** Accepts no new requests; resolves when those in flight are answered. */
  close(): Promise<void>
}

/** The server cannot listen on this host and port; the message says why. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** The same error as a `ListenError` that says what to do. */
export function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): ListenError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenError(
        `port ${port} on ${host} is in use; stop the process that uses it, or choose another port with --port`,
      )
    case 'EACCES':
      return new ListenError(`no permission to listen on port ${port} of ${host}; choose a port above 1023 with --port`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ListenError(`${host} is not an address of this machine; choose another with --host`)
    default:
      return new ListenError(`could not listen on port ${port} of ${host}: ${error.message}`)
  }
}

function addressesOf({ address, port }: AddressInfo): string[] {
  const everywhere = address === '0.0.0.0' || address === '::'
  const names = everywhere
    ? Object.values(networkInterfaces()).flatMap(list =>
        (list ?? []).filter(one => one.family === 'IPv4').map(one => one.address),
      )
    : [address]
  return names.map(name => `http://${name.includes(':') ? `[${name}]` : name}:${port}`)
}

/** @throws {ListenError} */
export async function listen(fetch: HttpHandler, options: { port: number; host: string }): Promise<HttpServer> {
  const server = createAdaptorServer({ fetch: (request, environment) => fetch(request, environment as object) })
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(listenError(error, options)))
    server.listen(options.port, options.host, resolve)
  })
  return {
    addresses: addressesOf(server.address() as AddressInfo),
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      // Keep-alive connections become idle one by one, as their last request is answered.
      const sweep = setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 50)
      await closed
      clearInterval(sweep)
    },
  }
}
