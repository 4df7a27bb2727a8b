/** Tests that the model has the same states and edges as the code and names existing files. They do not need spin. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { edges, passingStates, restingStates } from '../../../packages/holdfast/src/domain/states.ts'
import { readExploration, readStatements } from '../../model/pan.ts'
import { configurations, defences } from '../../model/variants.ts'

const source = readFileSync(new URL('../../model/checkout.pml', import.meta.url), 'utf8')
const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^#define go\(.*$/gm, '')
const sorted = (texts: Iterable<string>) => [...new Set(texts)].toSorted()

test('the model has the states of the code', () => {
  const list = /mtype:state = \{([^}]*)\}/.exec(code)?.[1] ?? ''
  expect(sorted(list.match(/\w+/g) ?? [])).toEqual(sorted(['start', ...restingStates, ...passingStates]))
})

test('the model has exactly the edges of the code', () => {
  const gone = [...code.matchAll(/\bgo\((\w+), (\w+)\)/g)].map(([, from, to]) => `${from}>${to}`)
  const table = Object.entries(edges).flatMap(([from, targets]) => targets.map(to => `${from}>${to}`))
  expect(sorted(gone)).toEqual(sorted(table))
})

test('only an edge changes the state of the model', () => {
  expect(code.match(/\bstate = (?!\{)/g)).toEqual(['state = '])
  expect(code).toContain('mtype:state state = start')
})

test('every file that the model names exists', () => {
  const named = sorted(source.match(/\b(?:saga|phases|payments|database|domain)\/[\w/-]+\.ts\b/g) ?? [])
  expect(named.length).toBeGreaterThan(8)
  for (const file of named)
    expect(existsSync(new URL(`../../../packages/holdfast/src/${file}`, import.meta.url)), file).toBe(true)
})

test('the configurations and defences use exactly the switches of the model', () => {
  const turned = [...configurations, ...defences].flatMap(({ switches }) =>
    switches.map(name => name.split('=')[0] ?? ''),
  )
  const known = [...source.matchAll(/^#ifn?def (\w+)|\bdefined\((\w+)\)/gm)].map(([, one, other]) => one ?? other ?? '')
  const numbers = ['VOIDS', 'REFUNDS', 'EPOCHS']
  expect(sorted(known)).toEqual(sorted([...turned, ...numbers]))
})

const report = (middle: string, errors: number) => `${middle}
	acceptance   cycles 	+ (fairness disabled)
	invalid end states	- (disabled by never claim)
State-vector 84 byte, depth reached 854, errors: ${errors}
   111649 states, stored (148463 visited)
   751731 transitions (= visited+matched)
  186.972	total actual memory usage
unreached in proctype worker
	checkout.pml:301, state 225, "is_new = 1"
	checkout.pml:308, state 2, "is_new = 1"
	(2 of 3 states)
unreached in claim B1
	_spin_nvr.tmp:10, state 1, "-end-"
pan: elapsed time 1.07 seconds
`

test('an incomplete search is not taken for a complete one without violations', () => {
  expect(readExploration(report('', 0))).toEqual({
    states: 111_649,
    transitions: 751_731,
    depth: 854,
    errors: 0,
    violated: null,
    isComplete: true,
    memoryMb: 186.972,
    seconds: 1.07,
  })
  for (const trouble of ['error: max search depth too small', 'pan: out of memory', 'Warning: Search not completed']) {
    expect(readExploration(report(trouble, 0)).isComplete, trouble).toBe(false)
  }
  expect(() => readExploration('')).toThrow('the output of pan does not contain')
})

test('a violation is reported with the name of its property', () => {
  const asserted = 'pan:1: assertion violated (A2||((captures<=1)&&(paid_back<=captures))) (at depth 45)'
  expect(readExploration(report(asserted, 1))).toMatchObject({ violated: 'A2', depth: 45, isComplete: false })
  const endless = 'pan:1: acceptance cycle (at depth 79)'
  expect(readExploration(report(endless, 1))).toMatchObject({ violated: 'B1', depth: 79, isComplete: false })
})

test('a statement counts as reached if one of its places was reached', () => {
  const states = [225, 300].map(
    state => `\tstate ${state} -(tr   0)-> state   0  [id 0] [----L] checkout.pml:301 => is_new = 1`,
  )
  const listed = ['STEP 3 worker', ...states, states[0]?.replace('225', '2').replace('301', '308')].join('\n')
  expect(readStatements(listed, report('', 0))).toEqual([
    { line: 301, text: 'is_new = 1', isReached: true },
    { line: 308, text: 'is_new = 1', isReached: false },
  ])
})
