/** The manual, the dashboard and the alert rules refer only to metrics that exist, and document all of them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { metricDefinitions } from '../../../src/observe/metrics/definitions.ts'
import { createMetrics } from '../../../src/observe/metrics/metrics.ts'

const docs = join(import.meta.dirname, '../../../../../docs')
const read = (file: string) => readFileSync(join(docs, file), 'utf8')
const manual = read('operating/metrics.md')
const rules = read('operating/prometheus-rules.yml')
const dashboard = JSON.parse(read('operating/grafana-dashboard.json')) as Dashboard

interface Panel {
  id: number
  type: string
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  datasource?: { uid: string }
  targets?: { refId: string; expr: string; datasource: { uid: string } }[]
}

interface Dashboard {
  panels: Panel[]
  templating: { list: { name: string; type: string; definition?: string }[] }
}

/** Matches `holdfast_x{job="a",code!~"b"}` as name and labels. */
const selectors = /\b((?:holdfast|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g
const expressions = (file: string) => [...file.matchAll(/expr: (.*(?:\n {10,}.*)*)/g)].map(([, expr = '']) => expr)
const ruleExpressions = expressions(rules)
const panelExpressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const variableExpressions = dashboard.templating.list.flatMap(({ definition = '' }) => definition)

/** Name and labels of every metric that `/metrics` returns. */
async function exposed(): Promise<Map<string, readonly string[]>> {
  const { register, render } = createMetrics()
  const types = [...(await render()).text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  const labelsOf = (name: string) => (register.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames
  return new Map(
    types.flatMap(([, name = '', type]) => {
      const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      return suffixes.map((suffix): [string, string[]] => [`${name}${suffix}`, labelsOf(name)])
    }),
  )
}

describe('documents about metrics', () => {
  test.each([
    ['rules', ruleExpressions, 15],
    ['dashboard', [...panelExpressions, ...variableExpressions], 35],
  ])('%s use only metrics and labels that exist', async (_, queries, countMin) => {
    const names = await exposed()
    const wrong: string[] = []
    for (const expression of queries) {
      for (const [, name = '', inner = ''] of expression.matchAll(selectors)) {
        const known = names.get(name)
        if (known === undefined) wrong.push(name)
        const labels = [...inner.matchAll(/([a-z_]+)\s*(?:=|!)/g)].map(([, label = '']) => label)
        const own = ['job', 'instance', ...(known ?? [])]
        wrong.push(...labels.filter(label => !own.includes(label)).map(label => `${name}{${label}}`))
      }
    }
    expect(queries.length).toBeGreaterThanOrEqual(countMin)
    expect(wrong).toEqual([])
  })

  test('panels of the dashboard have unique ids, fit its width, and do not overlap', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const overlaps: string[] = []
    for (const [index, { title, gridPos: a }] of panels.entries()) {
      expect(a.x + a.w, title).toBeLessThanOrEqual(24)
      for (const { title: other, gridPos: b } of panels.slice(index + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y
        if (!apart) overlaps.push(`${title} and ${other}`)
      }
    }
    expect(overlaps).toEqual([])
  })

  test('every panel of the dashboard has a query on the chosen data source', () => {
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toContainEqual(['datasource', 'datasource'])
    for (const { type, title, targets = [], datasource } of dashboard.panels) {
      if (type === 'row') continue
      expect(datasource?.uid, title).toBe('$datasource')
      if (type !== 'alertlist') expect(targets.length, title).toBeGreaterThan(0)
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length)
      for (const target of targets) expect(target.datasource.uid, title).toBe('$datasource')
    }
  })

  test('the manual documents every metric as defined', () => {
    const rows = metricDefinitions.map(({ name, type, labels, help, advice }) => {
      const by = labels.length === 0 ? '' : labels.map(label => `\`${label}\``).join(', ')
      return `| \`${name}\` | ${type} | ${by} | ${help}. | ${advice} |`
    })
    const documented = manual.split('\n').filter(line => line.startsWith('| `holdfast_'))
    expect(documented).toEqual(rows)
  })

  test('the manual documents every alert with its severity, and each runbook link leads to an existing chapter', () => {
    const alerts = [...rules.matchAll(/- alert: (\w+)[\s\S]*?severity: (\w+)[\s\S]*?runbook_url: (\S+)#(\S+)/g)]
    expect(alerts.length).toBe(rules.match(/- alert:/g)?.length)
    const documented = manual.split('\n').flatMap(line => [...line.matchAll(/^\| `(Holdfast\w+)` \| (\w+) \|/g)])
    expect(documented.map(([, name, severity]) => [name, severity])).toEqual(
      alerts.map(([, name, severity]) => [name, severity]),
    )
    for (const [, name, , file = '', anchor] of alerts) {
      const headings = [...read(file.replace('docs/', '')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(' ', '-')
          .replaceAll(/[^\w-]/g, ''),
      )
      expect(headings, name).toContain(anchor)
    }
  })

  test.skipIf(spawnSync('promtool', ['--version']).error !== undefined)(
    'every alert fires and stays silent as its promtool tests expect',
    () => {
      const promtool = (...args: string[]) =>
        execFileSync('promtool', args, { cwd: join(docs, 'operating'), encoding: 'utf8', stdio: 'pipe' })
      expect(promtool('check', 'rules', 'prometheus-rules.yml')).toContain('SUCCESS')
      expect(promtool('test', 'rules', 'prometheus-rules.test.yml')).toContain('SUCCESS')
      const cases = read('operating/prometheus-rules.test.yml')
      for (const [, name = ''] of rules.matchAll(/- alert: (\w+)/g)) expect(cases).toContain(`alertname="${name}"`)
    },
  )
})
