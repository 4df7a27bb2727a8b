/** A TCP proxy that fails on purpose: it breaks the connection of a client to a server at a chosen message. */
import net from 'node:net'

/**
 * How a connection breaks at the chosen message:
 * - `before`: the message is lost and the connection is cut.
 * - `stalled`: the message is lost, the client loses its connection, and the server does not notice.
 * - `withheld`: the message is lost and the connection stays open until the server ends it.
 * - `undone`: the server receives `abort` instead of `commit`, and the client receives the server's answer to it.
 * - `after`: the message arrives, the server's answer `answer` is lost, and the connection is cut.
 * - `held`: the message arrives, the answer is lost, and the connection stays open until the server ends it.
 */
export type Breakage =
  | { readonly when: 'before' | 'stalled' | 'withheld' | 'undone' }
  | { readonly when: 'after' | 'held'; readonly answer: string }

export interface TcpProxy {
  readonly port: number
  /** The URL `target` with the address of this proxy. */
  url(target: string): string
  /**
   * Breaks the next connection on which the client sends `text`, and resolves with true. With `behind`, the client
   * must also have sent text that matches it since its last `begin`. Resolves with false if `disarm` aborts first.
   */
  breakAt(text: string, how: Breakage, behind?: RegExp, disarm?: AbortSignal): Promise<boolean>
  /** Cuts all connections now. */
  cut(): void
  /** While true, each new connection is accepted and closed at once. */
  refuse(refusing: boolean): void
  stop(): Promise<void>
}

interface Break {
  readonly text: string
  readonly how: Breakage
  readonly behind: RegExp | undefined
  readonly done: () => void
}

/** Listens on a free local port and forwards to `target`. */
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
    let withheld = false
    /** What the client sent in its current transaction. */
    let sent = ''
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
      if (withheld) return
      if (breaks.length > 0) {
        sent += chunk.toString('latin1')
        sent = sent.slice(Math.max(0, sent.lastIndexOf('begin\0')))
      }
      const broken = breaks.find(({ text, behind }) => chunk.includes(text) && (behind?.test(sent) ?? true))
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
      if (broken.how.when === 'withheld') withheld = true
      // The replacement has the same length, so the message stays well-formed.
      if (broken.how.when === 'undone') {
        server.write(Buffer.from(chunk.toString('latin1').replace('commit\0', 'abort;\0'), 'latin1'))
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
    breakAt(text, how, behind, disarm) {
      return new Promise(resolve => {
        const armed: Break = { text, how, behind, done: () => resolve(true) }
        breaks.push(armed)
        disarm?.addEventListener('abort', () => {
          const at = breaks.indexOf(armed)
          if (at === -1) return
          breaks.splice(at, 1)
          resolve(false)
        })
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
