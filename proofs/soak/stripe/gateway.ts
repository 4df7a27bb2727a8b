/** Stripe as the gateway of a soak: its simulator, which keeps what it knows in memory and is never killed. */
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../packages/testing/src/free-port.ts'
import { createServerProcess } from '../../processes/server-process.ts'
import type { GatewayOptions, SoakGateway } from '../gateway.ts'
import { openJournal } from '../journal.ts'
import { alwaysPromised } from '../promised.ts'
import { openBooksOf } from './books.ts'
import { faultKinds } from './misbehaviour.ts'
import { confirmations, paymentsAt, surePayment } from './purse.ts'

const program = fileURLToPath(new URL('./process.ts', import.meta.url))
const awayMs = { min: 500, max: 4_000 }
/** Of checkouts whose authorization ended, or whose capture Stripe refused. */
const refusals = ['authorization_ended', 'capture_refused']

export async function openStripe(options: GatewayOptions): Promise<SoakGateway> {
  const { journal, secret, seed } = options
  const apiPort = String(await freePort())
  const environment = { SECRET: secret, JOURNAL: journal, SEED: String(seed), SERVERS: '', API_PORT: apiPort }
  const process = await createServerProcess({ ...options.process, databaseUrl: null, program, environment })
  const url = `http://127.0.0.1:${apiPort}`
  let isAway = false

  async function ask(word: string): Promise<void> {
    const response = await fetch(`${process.url}/${word}`, { method: 'POST' })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`Stripe’s simulator answered ${word} with ${response.status}`)
  }

  return {
    name: 'stripe',
    process,
    url,
    absence: 'gateway unreachable',
    promised: {
      ...{ ...alwaysPromised, faults: faultKinds, confirmations },
      refusals: [...alwaysPromised.refusals, ...refusals],
    },
    deliverTo(servers) {
      environment.SERVERS = servers.join(',')
    },
    async vanish(random) {
      if (isAway) return false
      isAway = true
      try {
        await ask(`away/${Math.round(random.between(awayMs.min, awayMs.max))}`)
      } finally {
        isAway = false
      }
      return true
    },
    calm: () => ask('calm'),
    payment: paymentsAt(url, openJournal(journal)),
    surePayment,
    async openBooks(database) {
      try {
        return await openBooksOf(url, database)
      } finally {
        await process.kill()
      }
    },
    close: process.kill,
  }
}
