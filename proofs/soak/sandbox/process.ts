/**
 * The payment gateway as a process of its own: the sandbox behind HTTP, with its ledger in a database of its own. It
 * misbehaves by seed until it is told to be calm, and forgets nothing when it is killed.
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
/** An effect goes on without its caller, but not for ever. */
const effectMs = 20_000

// Another life, other choices, but the same for the same seed.
const lives = (await readJournal(journalFile)).filter(line => line === 'life started').length
const random = createRandom(Number(process.env.SEED) + 1_000 * lives)
const journal = openJournal(journalFile)
journal.note('life started')

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

/** The call itself; what goes wrong with its answer does not reach it. */
const execute = (kind: CallKind, body: Record<string, unknown>): Promise<unknown> =>
  // What is sent is what the client was given; the sandbox checks it as any gateway would.
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
    case 'stubborn':
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
  const [, first = '', reference = '', word = ''] = (request.url ?? '').split('/').map(decodeURIComponent)
  const body = await bodyOf(request)
  if (first === 'calm') {
    isCalm = true
    return answer(response, 200)
  }
  if (first === 'pay' && (word === 'approve' || word === 'refuse')) {
    return answer(response, 200, await gateway[word](reference))
  }
  if (!kinds.includes(first)) return answer(response, 404)
  const kind = first as CallKind
  // What a token or a fault keeps from being answered is only that: the effect is there or comes.
  const effect = () => execute(kind, body).catch(() => ({ outcome: 'unknown', message: 'no answer' }))
  const fault = isCalm ? null : misbehaviour.faultOf(kind, String(body.idempotencyKey))
  journal.note(`call ${kind}`)
  if (fault === null) {
    const said = (await effect()) as { outcome: string }
    return said.outcome === 'unknown' ? answer(response, 500) : answer(response, 200, said)
  }
  journal.note(`fault ${fault}`)
  await misbehave(fault, response, effect)
}

gateway.start()
const server = createServer((request, response) => {
  serve(request, response).catch(() => answer(response, 500))
})
server.listen(port, '127.0.0.1', () => process.stdout.write(`gateway ready on ${origin}\n`))
