/** `holdfast config`: every setting with its value and source, and the reference in the manual. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultConfig } from '../../../holdfast/src/config/config.ts'
import { configMarkdown, configReference } from '../../../holdfast/src/config/reference.ts'
import { runConfig } from '../../src/commands/config.ts'

function show(environment: Record<string, string>, options: { json?: boolean; markdown?: boolean } = {}) {
  let out = ''
  const caller = {
    out(text: string) {
      out += text
    },
    err() {},
    colours: false,
    isTty: false,
    directory: '.',
  }
  const code = runConfig(caller, environment, options)
  return { code, out }
}

describe('config', () => {
  it('lists every setting once, with its value and source', () => {
    const settings = configReference.flatMap(group => group.settings)
    expect(settings.map(({ property }) => property).sort()).toEqual(Object.keys(defaultConfig).sort())
    const { code, out } = show({ CHECKOUT_TTL_MINUTES: '20' })
    expect(code).toBe(0)
    for (const { variable } of settings) expect(out).toContain(variable)
    expect(out).toMatch(/CHECKOUT_TTL_MINUTES +20 +environment/)
    expect(out).toMatch(/CHECKOUT_MAX_TTL_MINUTES +60 +default/)
  })

  it('never prints a secret, only that it is set', () => {
    const given = {
      CHECKOUT_SECRET: 'canary'.repeat(6),
      DATABASE_URL: 'postgres://me:canary@localhost/shop',
      SMTP_URL: 'smtp://me:canary@localhost',
      CHECKOUT_MAIL_FROM: 'orders@shop.example',
      SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/canary',
      CHECKOUT_WEBHOOK_URL: 'https://hooks.example/catch/canary',
      CHECKOUT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(24).toString('base64')}`,
    }
    const text = show(given).out
    expect(text).toMatch(/CHECKOUT_SECRET +set, not shown +environment/)
    expect(text + show(given, { json: true }).out).not.toContain('canary')
  })

  it('prints the reference that the manual contains', () => {
    const manual = readFileSync(join(import.meta.dirname, '../../../../docs/operating.md'), 'utf8')
    expect(show({}, { markdown: true }).out).toBe(configMarkdown())
    expect(manual).toContain(configMarkdown())
  })
})
