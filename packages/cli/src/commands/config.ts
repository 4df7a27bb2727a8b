/** `holdfast config`: every setting, what it is now and where that comes from. Secrets are never shown. */
import { Command } from 'commander'
import { type CheckoutConfig, configFromEnvironment } from 'holdfast'
import { type ConfigSetting, configMarkdown, configReference } from 'holdfast/operations'
import { type Caller, type CommandHost, writeJson } from '../command.ts'
import { cell, paint, table } from '../terminal/table.ts'

export interface ConfigOptions {
  json?: boolean
  markdown?: boolean
}

/** What is set, for people: of a secret only that it is. */
function shown(setting: ConfigSetting, config: CheckoutConfig): string | null {
  const value = config[setting.property]
  if (value === null) return null
  return setting.hidden ? 'set, not shown' : String(value)
}

/** @throws {ConfigError} with every mistake in it. */
export function runConfig(
  caller: Caller,
  environment: Readonly<Record<string, string | undefined>>,
  options: ConfigOptions = {},
): number {
  if (options.markdown) {
    caller.out(configMarkdown())
    return 0
  }
  const config = configFromEnvironment(environment)
  const isSet = ({ variable }: ConfigSetting) => (environment[variable]?.trim() ?? '') !== ''
  if (options.json) {
    const settings = configReference.flatMap(({ settings: all }) =>
      all.map(one => ({
        ...{ variable: one.variable, value: shown(one, config), default: one.default, is_set: isSet(one) },
        ...{ accepted: one.accepted, meaning: one.meaning },
      })),
    )
    writeJson(caller, settings)
    return 0
  }
  for (const { title, settings } of configReference) {
    const rows = settings.map(one => {
      const value = shown(one, config)
      const text = value === null ? paint(caller, 'quiet', '–') : cell(value)
      return [
        one.variable,
        isSet(one) ? paint(caller, 'strong', text) : text,
        isSet(one) ? 'environment' : 'default',
        one.meaning,
      ]
    })
    caller.out(`\n${paint(caller, 'strong', title)}\n`)
    caller.out(
      table(caller, ['variable', 'value', 'from', 'what it does'], rows, { widths: { 0: 36, 1: 24, 2: 12, 3: 60 } }),
    )
  }
  return 0
}

export function configCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('config')
    .description('every setting: what it is now, what it takes and what it does')
    .option('--json', 'print them as JSON')
    .option('--markdown', 'print the reference of the manual')
    .addHelpText(
      'after',
      '\nExit code 2 when a setting is wrong.\n\nExample:\n  CHECKOUT_TTL_MINUTES=20 holdfast config',
    )
    .action((options: ConfigOptions) => done(runConfig(host.caller, host.environment, options)))
}
