/** A reporter for vitest: prints the failed tests as one line of JSON, and ends the run at the first evidence. */
import type { Reporter, Vitest } from 'vitest/node'
import { evidenceIn, type Failure } from './evidence.ts'

export const mark = 'failures of tests: '

export interface ReportedFailures {
  passed: number
  failures: Failure[]
  /** Errors of files that could not run. */
  broken: string[]
}

export default function failuresReporter(): Reporter {
  let vitest: Vitest | null = null
  let passed = 0
  const failures: Failure[] = []
  return {
    onInit(runner) {
      vitest = runner
    },
    onTestCaseResult(test) {
      const { state, errors = [] } = test.result()
      if (state === 'passed') passed += 1
      for (const error of errors) {
        const failure: Failure = {
          file: test.module.relativeModuleId,
          test: test.fullName,
          error: error.name ?? 'Error',
          message: error.message,
          diff: error.diff ?? '',
        }
        failures.push(failure)
        if (evidenceIn(failure) !== null) void vitest?.cancelCurrentRun('test-failure')
      }
    },
    onTestRunEnd(modules, unhandled) {
      const broken = [...modules.flatMap(module => module.errors()), ...unhandled].map(error => error.message)
      process.stdout.write(`\n${mark}${JSON.stringify({ passed, failures, broken } satisfies ReportedFailures)}\n`)
    },
  }
}
