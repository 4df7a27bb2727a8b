/** Sinks to other systems listen if the configuration names them. */
import { expect, test } from 'vitest'
import { defaultConfig } from '../../src/config/config.ts'
import { createListeners } from '../../src/events/listeners.ts'
import { openSinks } from '../../src/shop/open-sinks.ts'

const secret = (fill: number) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`

async function namesWith(more: Partial<typeof defaultConfig>): Promise<readonly string[]> {
  const { listeners, close } = await openSinks({ ...defaultConfig, ...more })
  await close()
  return createListeners(listeners).namesFor('CheckoutCompleted')
}

test('webhook and Redis listen for events if the configuration names them', async () => {
  const webhook = { webhookUrl: 'https://erp.example/hooks', webhookSecret: `${secret(1)}, ${secret(2)}` }
  const redis = { redisUrl: 'redis://127.0.0.1:1' }
  expect(await namesWith({})).toEqual([])
  expect(await namesWith(webhook)).toEqual(['webhook'])
  expect(await namesWith(redis)).toEqual(['redis'])
  expect(await namesWith({ ...webhook, ...redis })).toEqual(['webhook', 'redis'])
})

test('a webhook without a secret is refused', async () => {
  await expect(namesWith({ webhookUrl: 'https://erp.example/hooks' })).rejects.toThrow('invalid webhook secret')
})
