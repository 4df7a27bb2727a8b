/** The HTTP server around the fetch handler: listens, names its addresses, and ends without cutting anybody off. */
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createAdaptorServer } from '@hono/node-server'
import type { HttpHandler } from 'holdfast/http'

export interface HttpServer {
  /** Where it can be reached: "http://127.0.0.1:3000". More than one where it listens on every interface. */
  addresses: string[]
  /** Takes no new requests, and resolves when those in flight are answered. */
  close(): Promise<void>
}

/** Says in a sentence why it cannot listen. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

function reason(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ListenError(
        `port ${port} on ${host} is in use: stop what listens there, or choose another with --port`,
      )
    case 'EACCES':
      return new ListenError(`port ${port} on ${host} is not allowed to this user: choose one above 1023 with --port`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ListenError(`${host} is not an address of this machine: choose another with --host`)
    default:
      return new ListenError(`cannot listen on port ${port} of ${host}: ${error.message}`)
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
    server.once('error', error => reject(reason(error, options.host, options.port)))
    server.listen(options.port, options.host, resolve)
  })
  return {
    addresses: addressesOf(server.address() as AddressInfo),
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      // Connections that are kept alive become idle one by one, as their last request is answered.
      const sweep = setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 50)
      await closed
      clearInterval(sweep)
    },
  }
}
