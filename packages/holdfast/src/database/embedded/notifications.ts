/** LISTEN and UNLISTEN on PGlite: one `listen` per channel, any number of receivers. */
import type { PGlite } from '@electric-sql/pglite'

type Receive = (payload: string) => void

export interface EmbeddedNotifications {
  /** Returns a function that stops. */
  listen(channel: string, receive: Receive): Promise<() => Promise<void>>
}

/** `run` executes a script between statements; `isClosing`: the engine closes soon, so UNLISTEN is unnecessary. */
export function embeddedNotifications(
  engine: PGlite,
  run: (script: string) => Promise<void>,
  isClosing: () => boolean,
): EmbeddedNotifications {
  const channels = new Map<string, Set<Receive>>()
  engine.onNotification((channel, payload) => {
    for (const receive of channels.get(channel) ?? []) receive(payload)
  })

  return {
    async listen(channel, receive) {
      const name = `"${channel.replaceAll('"', '""')}"`
      const own: Receive = payload => receive(payload)
      channels.set(channel, (channels.get(channel) ?? new Set()).add(own))
      await run(`listen ${name}`)
      return async () => {
        const receivers = channels.get(channel)
        if (receivers === undefined || !receivers.delete(own) || receivers.size > 0) return
        channels.delete(channel)
        if (!isClosing()) await run(`unlisten ${name}`)
      }
    },
  }
}
