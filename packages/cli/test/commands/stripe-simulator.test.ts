/** The simulator as a process: it starts, takes payments from Stripe's SDK, sends webhooks, and stops on SIGTERM. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Stripe } from 'stripe'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { runProgram } from '../../src/program.ts'

const running = new Set<ChildProcess>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

function start(...args: string[]) {
  const child = spawn(process.execPath, [inject('main'), 'stripe-simulator', ...args], {
    env: { PATH: process.env.PATH },
  })
  running.add(child)
  const output = { out: '', err: '' }
  const code = new Promise<number | null>(resolve =>
    child.once('close', exitCode => {
      running.delete(child)
      resolve(exitCode)
    }),
  )
  const ready = new Promise<string>(resolve => {
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk.toString()
      if (/\n$/.test(output.out)) resolve(output.out)
    })
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.err += chunk.toString()
  })
  return { child, output, code, ready }
}

describe('holdfast stripe-simulator', () => {
  it('serves Stripe’s SDK, sends signed webhooks, protects its control routes, and stops with exit code 0', async () => {
    const events: Stripe.Event[] = []
    let complete = () => {}
    const captured = new Promise<void>(resolve => {
      complete = resolve
    })
    const shop = createServer((incoming, outgoing) => {
      let body = ''
      incoming.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      incoming.on('end', () => {
        const event = Stripe.webhooks.constructEvent(body, String(incoming.headers['stripe-signature']), 'whsec_test')
        events.push(event)
        outgoing.writeHead(200).end()
        if (event.type === 'payment_intent.succeeded') complete()
      })
    })
    await new Promise<void>(resolve => shop.listen(0, '127.0.0.1', resolve))
    const simulator = start(
      ...['--port', '0', '--json', '--secret-key', 'sk_test_process', '--control-token', 'secret'],
      ...['--webhook-url', `http://127.0.0.1:${(shop.address() as AddressInfo).port}/hook`],
      ...['--webhook-secret', 'whsec_test'],
    )
    const { url, host, port, protocol } = JSON.parse(await simulator.ready) as {
      url: string
      host: string
      port: number
      protocol: 'http'
    }
    const stripe = new Stripe('sk_test_process', { host, port, protocol })
    const { id } = await stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      capture_method: 'manual',
      allowed_payment_method_types: ['card'],
      payment_method: 'pm_card_visa',
      confirm: true,
      metadata: { checkout_id: 'c1' },
    })
    expect((await stripe.paymentIntents.capture(id)).status).toBe('succeeded')
    await captured
    expect(new Set(events.map(({ type }) => type))).toContain('charge.captured')
    const books = await fetch(`${url}/_control/books/c1`, { headers: { authorization: 'Bearer secret' } })
    expect(await books.json()).toMatchObject({ authorizations: 1, capturedMinor: 5_000, openMinor: 0 })
    const other = new Stripe('sk_test_other', { host, port, protocol })
    await expect(other.balance.retrieve()).rejects.toMatchObject({ statusCode: 401 })

    const second = start('--port', String(port))
    expect(await second.code).toBe(1)
    expect(second.output.err).toBe(
      `port ${port} on 127.0.0.1 is in use; stop the process that uses it, or choose another port with --port\n`,
    )
    simulator.child.kill('SIGTERM')
    expect(await simulator.code).toBe(0)
    expect(simulator.output.err).toBe('')
    shop.close()
  })

  it('prints its address on one line', async () => {
    const { child, ready, code } = start('--port', '0')
    expect(await ready).toMatch(/^stripe simulator ready on http:\/\/127\.0\.0\.1:\d+\n$/)
    child.kill('SIGTERM')
    expect(await code).toBe(0)
  })

  it.each([
    [['--secret-key', 'sk_live_1'], 'Expected a test key that starts with sk_test_'],
    [['--webhook-url', 'ftp://shop'], 'Expected an http or https URL.'],
    [['--webhook-url', 'http://127.0.0.1/hook'], '--webhook-url requires --webhook-secret'],
    [['--port', 'many'], 'Expected a whole number from 0 to 65535.'],
  ])('refuses %j', async (args, words) => {
    let said = ''
    const caller = {
      out: () => {},
      err: (text: string) => {
        said += text
      },
      colours: false,
      isTty: false,
      directory: '.',
    }
    const nowhere = () => Promise.reject(new Error('the simulator needs no store'))
    const code = await runProgram(['stripe-simulator', ...args], {
      caller,
      environment: {},
      watch: async () => 0,
      run: nowhere,
      serve: nowhere,
      work: nowhere,
    })
    expect([code, said]).toEqual([2, expect.stringContaining(words)])
  })
})
