/**
 * The plan of the health statement on a full database: EXPLAIN of the same statement on the same kind of connection.
 */

import { type Database, statement } from '../packages/holdfast/src/database/database.ts'
import { readHealth } from '../packages/holdfast/src/observe/health/reading.ts'

/** One node of the plan that reads a table. */
export interface Access {
  table: string
  how: string
  /** The sum over all loops. */
  rows: number
  pages: number
}

export interface HealthPlan {
  accesses: Access[]
  executionMs: number
  pages: number
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: PlanNode[]
}

type Explained = { 'QUERY PLAN': [{ Plan: PlanNode; 'Execution Time': number }] }

const pagesOf = (node: PlanNode) => node['Shared Hit Blocks'] + node['Shared Read Blocks']

function accessesOf(node: PlanNode): Access[] {
  const below = (node.Plans ?? []).flatMap(accessesOf)
  const table = node['Relation Name']
  if (table === undefined) return below
  const index = node['Index Name'] ?? node.Plans?.[0]?.['Index Name']
  const how = index === undefined ? node['Node Type'] : `${node['Node Type']} on ${index}`
  return [{ table, how, rows: node['Actual Rows'] * node['Actual Loops'], pages: pagesOf(node) }, ...below]
}

export async function explainHealth(database: Database): Promise<HealthPlan> {
  const explained: Explained[] = []
  const explaining: Database = {
    ...database,
    async probe({ name, text }, values) {
      const asked = statement(`explain_${name}`, `explain (analyze, buffers, format json) ${text}`)
      explained.push(...(await database.probe<Explained>(asked, values)))
      return []
    },
  }
  await readHealth(explaining, { captureTimeoutSeconds: 3_600, gateway: 'sandbox' }).catch(() => {})
  const [root] = explained[0]?.['QUERY PLAN'] ?? []
  if (root === undefined) throw new Error('could not read the plan of the health statement')
  return { accesses: accessesOf(root.Plan), executionMs: root['Execution Time'], pages: pagesOf(root.Plan) }
}

/** Accesses that grow with the history: whole tables, or more rows than are active or waiting here. */
export function historical({ accesses }: HealthPlan, rowsMax = 20_000): Access[] {
  return accesses.filter(({ how, rows }) => how.startsWith('Seq Scan') || rows > rowsMax)
}
