/** The sandbox as the gateway of a soak. Its ledger is in a separate database, so the process can be killed. */
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../../packages/holdfast/src/database/migrate.ts'
import { connectPostgres } from '../../../packages/holdfast/src/database/postgres/postgres.ts'
import { startTestPostgres } from '../../../packages/testing/src/postgres/test-postgres.ts'
import { createServerProcess } from '../../processes/server-process.ts'
import type { GatewayOptions, SoakGateway } from '../gateway.ts'
import { alwaysRequired } from '../required-coverage.ts'
import { copyLedger } from './ledger-copy.ts'
import { faultKinds } from './misbehaviour.ts'
import { choosePayment, surePayment } from './payment-choices.ts'

const program = fileURLToPath(new URL('./process.ts', import.meta.url))
const downMsMax = 1_500

export async function openSandbox(options: GatewayOptions): Promise<SoakGateway> {
  const { journal, secret, seed } = options
  const ledgerServer = await startTestPostgres({ durable: true })
  try {
    const databaseUrl = await ledgerServer.createDatabase()
    const ledger = await connectPostgres({ url: databaseUrl, poolMax: 2, applicationName: 'soak' })
    await migrate(ledger)
    const environment = { SECRET: secret, JOURNAL: journal, SEED: String(seed), SERVERS: '' }
    const process = await createServerProcess({ ...options.process, databaseUrl, program, environment })
    return {
      name: 'sandbox',
      process,
      url: process.url,
      absence: 'gateway killed',
      required: { ...alwaysRequired, faults: faultKinds, confirmations: [] },
      deliverTo(servers) {
        environment.SERVERS = servers.join(',')
      },
      async vanish(random) {
        if (!process.isReady) return false
        await process.kill()
        await pause(random.between(0, downMsMax))
        await process.start()
        return true
      },
      async calm() {
        await fetch(`${process.url}/calm`, { method: 'POST' })
      },
      payment: choosePayment,
      surePayment,
      async openBooks(database) {
        await process.kill()
        await copyLedger(ledger, database)
        return { payments: 'holdfast_sandbox.payments', ledger: 'sandbox', findings: {}, leftovers: [] }
      },
      async close() {
        await process.kill()
        await ledger.close()
        await ledgerServer.stop()
      },
    }
  } catch (error) {
    await ledgerServer.stop()
    throw error
  }
}
