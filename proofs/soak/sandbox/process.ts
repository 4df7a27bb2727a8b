/**
 * The process of the sandbox: the gateway behind HTTP, with its ledger in a separate database, which survives a kill.
 * The seed chooses its faults until a request to `/calm` ends them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connectPostgres } from '../../../packages/holdfast/src/database/postgres/postgres.ts'
import { createSandboxGateway } from '../../../packages/holdfast/src/payments/sandbox/sandbox.ts'
import { createSigner } from '../../../packages/holdfast/src/payments/sandbox/webhooks.ts'
import { createRandom } from '../../random.ts'
import { openJournal, readJournal } from '../journal.ts'
import { settings } from '../settings.ts'
import { createCourier } from '../webhook-courier.ts'
import { type CallKind, createMisbehaviour, type Fault } from './misbehaviour.ts'

const { DATABASE_URL: databaseUrl = '', SECRET: webhookSecret = '', JOURNAL: journalFile = '' } = process.env
const servers = (process.env.SERVERS ?? '').split(',')
const port = Number(process.argv[2])
const kinds: readonly string[] = ['authorize', 'capture', 'void', 'refund', 'lookup'] satisfies CallKind[]
const bodyMax = 65_536
/** An effect continues without its caller, up to this time. */
const effectMs = 20_000

// Each restart makes different choices, which the seed repeats.
const restarts = (await readJournal(journalFile)).filter(line => line === 'process started').length
const random = createRandom(Number(process.env.SEED) + 1_000 * restarts)
const journal = openJournal(journalFile)
journal.note('process started')

let isCalm = false
const misbehaviour = createMisbehaviour(random)
const database = await connectPostgres({ url: databaseUrl })
const origin = `http://127.0.0.1:${port}`
const gateway = createSandboxGateway({
  database,
  webhookSecret,
  delays: settings.delays,
  actionUrl: reference => `${origin}/pay/${encodeURIComponent(reference)}`,
  deliverWebhook: createCourier({
    gateway: 'sandbox',
    signatureHeaders: (secret, body, atMs) => createSigner([secret]).sign(JSON.parse(body).id, body, atMs),
    ...{ servers, random, journal, webhookSecret, isCalm: () => isCalm },
  }),
})

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > bodyMax) throw new Error('the body is too large')
  }
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

function answer(response: ServerResponse, status: number, body: unknown = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...(status === 200 ? {} : { 'Retry-After': '1' }) })
  response.end(JSON.stringify(body))
}

/** Executes the call. A fault of the answer does not affect it. */
const execute = (kind: CallKind, body: Record<string, unknown>): Promise<unknown> =>
  // The body is a request of the client; the sandbox validates it.
  gateway[kind]({ ...body, signal: AbortSignal.timeout(effectMs) } as never)

async function misbehave(fault: Fault, response: ServerResponse, effect: () => Promise<unknown>): Promise<void> {
  switch (fault) {
    case 'timeout before':
      return
    case 'timeout after':
      await effect()
      return
    case 'late effect':
      setTimeout(() => void effect().then(() => journal.note('effect late')), random.between(2_000, 9_000))
      return
    case '500 before':
    case 'repeated failure':
      return answer(response, 500)
    case '500 after':
      await effect()
      return answer(response, 500)
    case 'reset before':
      return void response.destroy()
    case 'reset after':
      await effect()
      return void response.destroy()
    case 'unreadable':
      await effect()
      response.writeHead(200, { 'Content-Type': 'application/json' })
      return void response.end('{"outcome":"succee')
    case '429':
    case '409':
      return answer(response, Number(fault))
    case 'not found':
      return answer(response, 200, { outcome: 'not_found' })
    default:
      return fault satisfies never
  }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, first = '', reference = '', decision = ''] = (request.url ?? '').split('/').map(decodeURIComponent)
  const body = await bodyOf(request)
  if (first === 'calm') {
    isCalm = true
    return answer(response, 200)
  }
  if (first === 'pay' && (decision === 'approve' || decision === 'refuse')) {
    return answer(response, 200, await gateway[decision](reference))
  }
  if (!kinds.includes(first)) return answer(response, 404)
  const kind = first as CallKind
  // A token or a fault can suppress the answer, but not the effect.
  const effect = () => execute(kind, body).catch(() => ({ outcome: 'unknown', message: 'no answer' }))
  const fault = isCalm ? null : misbehaviour.faultOf(kind, String(body.idempotencyKey))
  journal.note(`call ${kind}`)
  if (fault === null) {
    const result = (await effect()) as { outcome: string }
    return result.outcome === 'unknown' ? answer(response, 500) : answer(response, 200, result)
  }
  journal.note(`fault ${fault}`)
  await misbehave(fault, response, effect)
}

gateway.start()
const server = createServer((request, response) => {
  serve(request, response).catch(() => answer(response, 500))
})
server.listen(port, '127.0.0.1', () => process.stdout.write(`gateway ready on ${origin}\n`))
