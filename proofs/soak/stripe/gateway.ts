/** Stripe as the gateway of a soak: the simulator, which keeps its state in memory and is never killed. */
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../packages/testing/src/free-port.ts'
import { createServerProcess } from '../../processes/server-process.ts'
import type { GatewayOptions, SoakGateway } from '../gateway.ts'
import { openJournal } from '../journal.ts'
import { alwaysRequired } from '../required-coverage.ts'
import { openBooksOf } from './books.ts'
import { faultKinds } from './misbehaviour.ts'
import { confirmations, paymentsAt, surePayment } from './payment-choices.ts'

const program = fileURLToPath(new URL('./process.ts', import.meta.url))
const unreachableMs = { min: 500, max: 4_000 }
/** Refusals that only Stripe's faults cause: an ended authorization, or a refused capture. */
const refusals = ['authorization_ended', 'capture_refused']

export async function openStripe(options: GatewayOptions): Promise<SoakGateway> {
  const { journal, secret, seed } = options
  const apiPort = String(await freePort())
  const environment = { SECRET: secret, JOURNAL: journal, SEED: String(seed), SERVERS: '', API_PORT: apiPort }
  const process = await createServerProcess({ ...options.process, databaseUrl: null, program, environment })
  const url = `http://127.0.0.1:${apiPort}`
  let isUnreachable = false

  async function send(command: string): Promise<void> {
    const response = await fetch(`${process.url}/${command}`, { method: 'POST' })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`Stripe’s simulator answered ${command} with ${response.status}`)
  }

  return {
    name: 'stripe',
    process,
    url,
    absence: 'gateway unreachable',
    required: {
      ...{ ...alwaysRequired, faults: faultKinds, confirmations },
      refusals: [...alwaysRequired.refusals, ...refusals],
    },
    deliverTo(servers) {
      environment.SERVERS = servers.join(',')
    },
    async vanish(random) {
      if (isUnreachable) return false
      isUnreachable = true
      try {
        await send(`unreachable/${Math.round(random.between(unreachableMs.min, unreachableMs.max))}`)
      } finally {
        isUnreachable = false
      }
      return true
    },
    calm: () => send('calm'),
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
