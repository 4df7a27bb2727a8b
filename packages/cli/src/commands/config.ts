/** `holdfast config`: every setting with its value and source. Secrets are never printed. */
import { Command } from 'commander'
import { type CheckoutConfig, configFromEnvironment } from 'holdfast'
import { type ConfigSetting, configMarkdown, configReference } from 'holdfast/operations'
import { type Caller, type CommandHost, writeJson } from '../command.ts'
import { cell, paint, table } from '../terminal/table.ts'

export interface ConfigOptions {
  json?: boolean
  markdown?: boolean
}

/** The value for display; for a secret only whether it is set. */
function shown(setting: ConfigSetting, config: CheckoutConfig): string | null {
  const value = config[setting.property]
  if (value === null) return null
  return setting.hidden ? 'set, not shown' : String(value)
}

/** @throws {ConfigError} that lists every invalid setting. */
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
      table(caller, ['variable', 'value', 'source', 'meaning'], rows, { widths: { 0: 36, 1: 24, 2: 12, 3: 60 } }),
    )
  }
  return 0
}

export function configCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('config')
    .description('List all settings with their values and sources')
    .option('--json', 'Print the settings as JSON')
    .option('--markdown', 'Print the configuration reference as Markdown')
    .addHelpText(
      'after',
      '\nExit codes: 0: all settings are valid, 2: a setting is invalid.\n\nExample:\n  CHECKOUT_TTL_MINUTES=20 holdfast config',
    )
    .action((options: ConfigOptions) => done(runConfig(host.caller, host.environment, options)))
}
