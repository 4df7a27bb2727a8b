/**
 * Tests that all reports about a checkout agree: log, metrics, mail, chat, timeline, and `diagnose --lock`. A real
 * `holdfast serve` with a real mail server and a chat completes one checkout and declines another.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { Diagnosis } from '../../../packages/holdfast/src/engine/checkout-engine.ts'
import { address, type Browser, json, openBrowser } from '../../../packages/holdfast/test/http/open-shop.ts'
import { createTestDatabase } from '../../../packages/testing/src/postgres/test-postgres.ts'

const running = new Set<ChildProcess>()
const mails: ParsedMail[] = []
const messages: { text: string; blocks: unknown[] }[] = []
let directory: string
let smtp: SMTPServer
let chat: Server
let environment: Record<string, string>
let url: string
let log = ''

function launch(...args: string[]): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(process.execPath, [inject('main'), ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Runs a command of `holdfast` with `--json`. */
async function command<Output>(...args: string[]): Promise<Output> {
  const child = launch(...args, '--json')
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  await once(child, 'close')
  return JSON.parse(out) as Output
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-story-'))
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      void simpleParser(stream).then(mail => {
        mails.push(mail)
        done()
      }, done)
    },
  })
  smtp.listen(0, '127.0.0.1')
  await once(smtp.server, 'listening')
  chat = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk
    })
    request.on('end', () => {
      messages.push(JSON.parse(body) as (typeof messages)[number])
      response.end('ok')
    })
  }).listen(0, '127.0.0.1')
  await once(chat, 'listening')
  environment = {
    DATABASE_URL: await createTestDatabase(inject('postgresUrl')),
    CHECKOUT_SECRET: 'shared by every process of this shop',
    CHECKOUT_LOG_ALL_PHASES: 'true',
    CHECKOUT_NOTIFY_ON_FAILURE: 'true',
    CHECKOUT_NOTIFICATION_EMAIL: 'keeper@shop.example',
    CHECKOUT_MAIL_FROM: 'orders@shop.example',
    SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    SLACK_WEBHOOK_URL: `http://127.0.0.1:${(chat.address() as AddressInfo).port}/services/T0/B0/x`,
  }
  const shop = launch('serve', '--demo', '--port', '0')
  shop.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  const [ready] = (await once(shop.stdout, 'data')) as [Buffer]
  url = /http:\S+\d/.exec(String(ready))?.[0] ?? ''
})
afterAll(async () => {
  const gone = [...running].map(child => once(child, 'close'))
  for (const child of running) child.kill('SIGTERM')
  await Promise.all(gone)
  smtp.close()
  chat.close()
  rmSync(directory, { recursive: true, force: true })
})

async function pay(token: string): Promise<Response> {
  const browser: Browser = await openBrowser(request => {
    const { pathname, search } = new URL(request.url)
    return fetch(new Request(`${url}${pathname}${search}`, request))
  })
  await browser.send('POST', '/cart/lines', { sku: 'LINE-MOOR-10', quantity: 2 })
  return browser.send('POST', '/checkout', {
    ...{ email: 'ada@example.com', shipping_address: address, payment_method: 'card', payment_token: token },
  })
}

const linesOf = (lockId: string) =>
  log
    .split('\n')
    .filter(line => line.includes(lockId))
    .map(line => JSON.parse(line) as Record<string, unknown> & { msg: string })

/** The value of one line of `/metrics`. */
async function metric(name: string, ...labels: string[]): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find(one => one.startsWith(name) && labels.every(label => one.includes(label)))
  return Number(line?.split(' ').at(-1) ?? 0)
}

const mailTo = (recipient: string, words: string) =>
  vi.waitFor(
    () => {
      const found = mails.find(({ to, subject }) => JSON.stringify(to).includes(recipient) && subject?.includes(words))
      if (found === undefined) throw new Error(`no mail to ${recipient} about ${words}`)
      return found
    },
    { timeout: 20_000 },
  )

describe('log, metrics, mail, chat, timeline, and diagnosis agree', () => {
  test('all reports about a paid checkout agree', async () => {
    const response = await pay('tok_approve')
    expect(response.status).toBe(201)
    const requestId = response.headers.get('x-request-id')
    const { order } = await json<{ order: { number: string; lock_id: string; total: number } }>(response)

    const confirmation = await mailTo('ada@example.com', order.number)
    const notice = await mailTo('keeper@shop.example', order.number)
    const total = (order.total / 100).toFixed(2)
    for (const { text, html } of [confirmation, notice]) {
      expect(text).toContain(total)
      expect(html).toContain(total)
    }

    const lines = linesOf(order.lock_id)
    expect(lines.map(({ msg }) => msg).filter(msg => /started|completed$/.test(msg) && !msg.includes('phase'))).toEqual(
      ['[Checkout] started', '[Checkout] completed'],
    )
    const phases = lines.filter(({ msg }) => msg === '[Checkout] phase completed').map(({ phase }) => phase)
    expect(new Set(lines.map(line => line.requestId))).toEqual(new Set([requestId]))
    expect(lines.find(({ msg }) => msg === '[Checkout] completed')).toMatchObject({ orderNumber: order.number })

    const found = await command<Diagnosis>('diagnose', '--lock', order.lock_id)
    expect(found).toMatchObject({ lock: { state: 'completed' }, order: { number: order.number, status: 'paid' } })
    expect(found.operations.map(({ kind, status }) => [kind, status])).toEqual([
      ['authorize', 'succeeded'],
      ['capture', 'succeeded'],
    ])
    expect(found.deliveries.every(({ state }) => state === 'delivered')).toBe(true)
    const passed = ['cart_validation', 'inventory_reservation', 'price_lock', 'payment_authorization']
    expect(phases).toEqual([...passed, 'order_creation', 'payment_capture', 'stock_commit'])

    expect(await metric('holdfast_checkouts_completed_total', 'currency="USD"')).toBe(1)
    expect(messages).toEqual([])
  })

  test('all reports about a declined checkout agree', async () => {
    const response = await pay('tok_decline_insufficient_funds')
    expect(response.status).toBe(402)
    const refusal = await json<{ code: string; phase: string; lock_id: string }>(response)
    const lockId = refusal.lock_id
    expect(refusal).toMatchObject({ code: 'payment_declined', phase: 'payment_authorization' })

    const notice = await mailTo('keeper@shop.example', 'failed')
    expect(notice.text).toContain(lockId)
    await vi.waitFor(() => expect(messages).toHaveLength(1), { timeout: 20_000 })
    for (const words of [lockId, refusal.code]) expect(JSON.stringify(messages[0])).toContain(words)
    expect(mails.filter(({ to }) => JSON.stringify(to).includes('ada@example.com'))).toHaveLength(1)

    expect(linesOf(lockId).find(({ msg }) => msg === '[Checkout] failed')).toMatchObject({
      ...{ code: 'payment_declined', phase: 'payment_authorization', requestId: response.headers.get('x-request-id') },
    })
    const found = await command<Diagnosis>('diagnose', '--lock', lockId)
    expect(found).toMatchObject({ lock: { state: 'failed', failure: { code: 'payment_declined' } }, order: null })
    expect(found.timeline.at(-1)).toMatchObject({ to: 'failed' })
    expect(found.reservations.map(({ state }) => state)).toEqual(['released'])

    const labels = ['currency="USD"', 'phase="payment_authorization"', 'code="payment_declined"']
    expect(await metric('holdfast_checkouts_failed_total', ...labels)).toBe(1)
    expect(await command<{ violations: number }>('audit')).toMatchObject({ violations: 0 })
  })
})
