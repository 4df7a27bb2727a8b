/** A stand-in for Slack's incoming webhooks that enforces the same limits. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  text: string
  blocks: { type: string; text?: { text: string }; fields?: { text: string }[]; elements?: { text: string }[] }[]
}

const secretPath = '/services/T00000000/B00000000/XXXXsecretXXXX'

/** The violations of Slack's limits in a message; empty if Slack would accept it. */
export function faultsOf({ text, blocks }: Received): string[] {
  const faults: string[] = []
  if (typeof text !== 'string' || text.trim() === '') faults.push('no text')
  if (!Array.isArray(blocks) || blocks.length === 0 || blocks.length > 50) faults.push(`${blocks?.length} blocks`)
  const length = (words: string | undefined, max: number, of: string) => {
    if (words === undefined || words.length < 1 || words.length > max) faults.push(`${of}: ${words?.length} characters`)
  }
  if (/\\ud[89a-f]/.test(JSON.stringify([text, blocks]))) faults.push('half a character')
  for (const block of blocks) {
    if (block.type === 'header') length(block.text?.text, 150, 'header')
    else if (block.fields !== undefined) {
      if (block.fields.length < 1 || block.fields.length > 10) faults.push(`${block.fields.length} fields`)
      for (const field of block.fields) length(field.text, 2_000, 'field')
    } else if (block.type === 'section') length(block.text?.text, 3_000, 'section')
    else for (const element of block.elements ?? []) length(element.text, 3_000, 'context')
  }
  return faults
}

/** The visible text of a message. */
export function wordsOf({ text, blocks }: Received): string {
  const parts = blocks.flatMap(block => [block.text ?? [], block.fields ?? [], block.elements ?? []].flat())
  return [text, ...parts.map(part => part.text)].join('\n')
}

export async function openSlackEndpoint() {
  const received: Received[] = []
  const endpoint = {
    received,
    secretPath,
    url: '',
    /** Answers a request; default: accepts it. */
    answer: null as ((response: ServerResponse) => void) | null,
    /** Number of requests. */
    requests: 0,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    endpoint.requests += 1
    if (endpoint.answer !== null) return endpoint.answer(response)
    const message = JSON.parse(Buffer.concat(chunks).toString()) as Received
    const faults = faultsOf(message)
    if (request.url !== secretPath || faults.length > 0) return response.writeHead(400).end('invalid_payload')
    received.push(message)
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  endpoint.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${secretPath}`
  return endpoint
}
