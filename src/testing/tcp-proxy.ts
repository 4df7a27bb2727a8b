/** A network that fails on purpose: stands between a client and a server and cuts the line at a chosen message. */
import net from 'node:net'

/**
 * `before`: the message does not arrive, the line is cut. `stalled`: it does not arrive, the client loses its line and
 * the server does not notice. `after`: it arrives, the server answers with `answer`, the client never gets that and
 * the line is cut; `held`: the same, but the line stays until the server ends it.
 */
export type Breakage =
  | { readonly when: 'before' | 'stalled' }
  | { readonly when: 'after' | 'held'; readonly answer: string }

export interface TcpProxy {
  readonly port: number
  /** The same address by way of this proxy. */
  url(target: string): string
  /** Waits for the next connection on which the client sends `text`, breaks it as told, and then resolves. */
  breakAt(text: string, how: Breakage): Promise<void>
  /** Cuts every connection now. */
  cut(): void
  /** While set, connections are accepted and closed at once. */
  refuse(refusing: boolean): void
  stop(): Promise<void>
}

interface Break {
  readonly text: string
  readonly how: Breakage
  readonly done: () => void
}

/** Proxies a free local port to `target`. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const sockets = new Set<net.Socket>()
  const breaks: Break[] = []
  let refusing = false

  function join(client: net.Socket): void {
    if (refusing) {
      client.destroy()
      return
    }
    const server = net.connect(target)
    let swallowing: Break | null = null
    let answered = ''
    let stalled = false
    const cut = () => {
      client.destroy()
      if (!stalled) server.destroy()
    }
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        sockets.delete(socket)
        cut()
      })
    }
    client.on('data', chunk => {
      const broken = breaks.find(({ text }) => chunk.includes(text))
      if (broken === undefined) {
        server.write(chunk)
        return
      }
      breaks.splice(breaks.indexOf(broken), 1)
      if (broken.how.when === 'before') cut()
      if (broken.how.when === 'stalled') {
        stalled = true
        client.destroy()
      }
      if ('answer' in broken.how) {
        swallowing = broken
        server.write(chunk)
      } else {
        broken.done()
      }
    })
    server.on('data', chunk => {
      if (swallowing === null) {
        client.write(chunk)
        return
      }
      answered += chunk.toString('latin1')
      if (!('answer' in swallowing.how) || !answered.includes(swallowing.how.answer)) return
      if (swallowing.how.when === 'after') cut()
      swallowing.done()
    })
  }

  const listening = net.createServer(join)
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as net.AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    url(address) {
      const url = new URL(address)
      url.hostname = '127.0.0.1'
      url.port = String(port)
      return url.href
    },
    breakAt(text, how) {
      return new Promise(done => {
        breaks.push({ text, how, done })
      })
    },
    cut,
    refuse(value) {
      refusing = value
    },
    async stop() {
      const closed = new Promise(resolve => listening.close(resolve))
      cut()
      await closed
    },
  }
}
