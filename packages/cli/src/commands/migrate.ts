/** `holdfast migrate`: applies pending migrations to the database. There are no down migrations. */
import { Command } from 'commander'
import { type CommandContext, type CommandHost, writeJson } from '../command.ts'

export async function runMigrate(context: CommandContext, options: { json?: boolean } = {}): Promise<number> {
  const { migrated } = context
  if (options.json) writeJson(context, { applied: migrated })
  else if (migrated.length === 0) context.out('the database is up to date\n')
  else for (const name of migrated) context.out(`applied ${name}\n`)
  return 0
}

export function migrateCommand(host: CommandHost, done: (code: number) => void): Command {
  return new Command('migrate')
    .description('Create or update the database schema')
    .option('--json', 'Print the applied migrations as JSON')
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://localhost/shop holdfast migrate')
    .action(async (options: { json?: boolean }) =>
      done(await host.run(context => runMigrate(context, options), { migrate: true })),
    )
}
