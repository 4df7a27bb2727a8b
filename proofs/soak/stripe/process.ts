/**
 * The process of Stripe's simulator, with faults chosen by seed until a request to `/calm` ends them. The simulator
 * keeps its state in memory, so it is made unreachable instead of being killed. Commands of the soak have their own port.
 */

import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type StripeSimulatorServer, startStripeSimulator } from '../../../packages/stripe-simulator/src/api/server.ts'
import type { StripeFault } from '../../../packages/stripe-simulator/src/faults/faults.ts'
import { stripeSignature } from '../../../packages/stripe-simulator/src/world/webhooks.ts'
import { createRandom } from '../../random.ts'
import { openJournal } from '../journal.ts'
import { createCourier } from '../webhook-courier.ts'
import { publishableKey, secretKey } from './keys.ts'
import { createMisbehaviour } from './misbehaviour.ts'

const { SECRET: webhookSecret = '', JOURNAL: journalFile = '', SEED: seed, API_PORT: apiPort } = process.env
const servers = (process.env.SERVERS ?? '').split(',')
const commandPort = Number(process.argv[2])

const random = createRandom(Number(seed))
const ids = createRandom(Number(seed) + 1)
const journal = openJournal(journalFile)
const misbehaviour = createMisbehaviour(random)
let isCalm = false

/** False if there was no authorization to end; then there is no fault. */
const endAuthorization = (path: string): boolean => simulator.expireAuthorization(path.split('/').at(-2) ?? '')

const simulator: StripeSimulatorServer = await startStripeSimulator({
  ...{ port: Number(apiPort), secretKey, publishableKey, control: true },
  random: () => ids.between(0, 1),
  webhooks: [{ url: 'http://shop.invalid/webhooks/stripe', secret: webhookSecret }],
  deliverWebhook: createCourier({
    ...{ gateway: 'stripe', signatureHeaders: (...signed) => ({ 'stripe-signature': stripeSignature(...signed) }) },
    ...{ servers, random, journal, webhookSecret, isCalm: () => isCalm },
  }),
  faults(request): StripeFault | null {
    journal.note(`call ${request.operation}`)
    const chosen = isCalm ? null : misbehaviour.faultOf(request)
    if (chosen === null || (chosen.name === 'authorization ended' && !endAuthorization(request.path))) return null
    journal.note(`fault ${chosen.name}`)
    return chosen.fault
  },
})

async function becomeUnreachable(ms: number): Promise<void> {
  await simulator.refuseConnections()
  await pause(ms)
  await simulator.acceptConnections()
}

const commands = createServer((request, response) => {
  const [, command = '', ms = ''] = (request.url ?? '').split('/')
  const done = (status: number) => void response.writeHead(status).end()
  if (command === 'calm') {
    isCalm = true
    return done(200)
  }
  if (command === 'unreachable') {
    becomeUnreachable(Number(ms)).then(
      () => done(200),
      () => done(500),
    )
    return
  }
  done(404)
})
commands.listen(commandPort, '127.0.0.1', () => process.stdout.write(`gateway ready on ${simulator.url}\n`))
