/** Runs every command that the help or the documentation shows, and asserts its effect. A command without a case fails. */
import { describe, expect, it } from 'vitest'
import { argumentsOf, commandPaths, documentedCommands, helpOf, mentionedCommands } from './documented/examples.ts'
import { testLongRunningCommands } from './documented/long-running-cases.ts'
import { testOneShotCommands } from './documented/one-shot-cases.ts'

const covered = new Set<string>()

testOneShotCommands(covered)
testLongRunningCommands(covered)

describe('the documentation', () => {
  it('shows no command without a case above, and each case is of a command that is shown', async () => {
    expect([...covered].sort()).toEqual(await documentedCommands())
  })

  it('mentions only commands and options that exist', async () => {
    const paths = (await commandPaths()).map(path => path.join(' '))
    for (const { file, command } of mentionedCommands()) {
      const words = argumentsOf(command)
      const path = [2, 1].map(count => words.slice(0, count).join(' ')).find(each => paths.includes(each))
      expect(path, `${file}: ${command}`).toBeDefined()
      const help = await helpOf((path ?? '').split(' '))
      for (const option of words.filter(word => word.startsWith('--'))) {
        expect(help, `${file}: ${command}`).toMatch(new RegExp(`^ +(?:-\\w, )?${option}\\b`, 'm'))
      }
    }
  })
})
