/**
 * The monitoring proof: a real Prometheus scrapes a real `holdfast serve` and `holdfast work` with the documented
 * configuration. The alert rules load, every dashboard query returns a result, and the alert fires when the database is
 * lost while the processes still answer.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { statement } from '../../packages/holdfast/src/database/database.ts'
import { connectPostgres } from '../../packages/holdfast/src/database/postgres/postgres.ts'
import { startTcpProxy } from '../../packages/testing/src/tcp-proxy.ts'
import { createBuyer } from '../buyers/buyer.ts'
import { fillShop, serverEnvironment } from '../buyers/shop.ts'
import { withDirectory } from '../command/temporary.ts'
import { operating, type PrometheusServer, startPrometheus } from '../processes/prometheus-server.ts'
import { createServerProcess } from '../processes/server-process.ts'

export interface PrometheusReport {
  buyers: number
  paid: number
  /** As counted by Prometheus. */
  completed: number
  rules: number
  /** The dashboard queries, and those with a result: all of them, or the proof fails. */
  questions: number
  answered: number
  /** Alerts that fired, in order. */
  fired: string[]
  seconds: number
  wrong: string[]
}

const secret = 'the metrics secret of this proof'
const webhookSecret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
const sku = 'MUG'
const tokens = [...Array.from({ length: 9 }, () => 'tok_approve'), 'tok_decline', 'tok_decline', 'tok_slow']

const countPaid = statement(
  'sim_paid_orders',
  `select count(*) as count from holdfast.checkouts where state = 'completed'`,
)

/** The queries of the dashboard, with its variables filled in as Grafana does. */
async function dashboardQueries(): Promise<string[]> {
  const { panels } = JSON.parse(await readFile(path.join(operating, 'grafana-dashboard.json'), 'utf8')) as {
    panels: { targets?: { expr: string }[] }[]
  }
  return panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '30s').replaceAll('$job', '.*')),
  )
}

/** A webhook receiver that accepts every event, so that there are deliveries to measure. */
async function startReceiver(): Promise<{ url: string; stop(): void }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(204).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const isFiring = async (prometheus: PrometheusServer, name: string) =>
  (await prometheus.alerts()).some(({ labels, state }) => labels.alertname === name && state === 'firing')

export async function provePrometheus(options: { databaseUrl: string; buyers: number }): Promise<PrometheusReport> {
  const startedAt = performance.now()
  const wrong: string[] = []
  const fired: string[] = []
  const expect = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what)
  }
  const { hostname, port } = new URL(options.databaseUrl)
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) })
  const receiver = await startReceiver()
  const database = await connectPostgres({ url: options.databaseUrl })
  try {
    await fillShop(database, [{ sku, priceMinor: 1_250, quantity: 10_000 }])
    return await withDirectory(async directory => {
      const processOf = (command: 'serve' | 'work') =>
        createServerProcess({
          directory,
          databaseUrl: proxy.url(options.databaseUrl),
          environment: {
            ...serverEnvironment,
            CHECKOUT_METRICS_SECRET: secret,
            CHECKOUT_WEBHOOK_URL: receiver.url,
            CHECKOUT_WEBHOOK_SECRET: webhookSecret,
          },
          isBuilt: true,
          command,
        })
      const [server, worker] = [await processOf('serve'), await processOf('work')]
      await Promise.all([server.start(), worker.start()])
      const targets = { serves: new URL(server.url), works: new URL(worker.url) }
      const prometheus = await startPrometheus(directory, targets, secret)
      const deadline = performance.now() + 60_000
      const buy = async (token: string) => {
        const line = { sku, quantity: 1 }
        const isOver = () => performance.now() > deadline
        const buyer = createBuyer({ origin: () => server.url, line, token, sendsLockId: true, isOver })
        if (await buyer.prepare()) await buyer.pay()
      }
      const paid = async () => (await database.query<{ count: number }>(countPaid))[0]?.count ?? 0
      const completed = async () => (await prometheus.query('sum(holdfast_checkouts_completed_total)'))[0] ?? 0
      const counts = async () => (await paid()) > 0 && (await completed()) === (await paid())
      const fires = async (name: string) => {
        await prometheus.until(`${name} fires`, () => isFiring(prometheus, name))
        fired.push(name)
      }
      try {
        await prometheus.until('both processes are scraped', async () => {
          const read = await prometheus.targets()
          return read.length === 2 && read.every(({ health }) => health === 'up')
        })
        const rules = await prometheus.rules()
        const ill = rules.filter(({ health }) => health === 'err').map(({ name }) => name)
        expect(rules.length > 0 && ill.length === 0, `rules that Prometheus cannot evaluate: ${ill.join(', ')}`)

        await Promise.all(
          Array.from({ length: options.buyers }, (_, index) => buy(tokens[index % tokens.length] ?? '')),
        )
        await prometheus.until('Prometheus counts the paid orders of the database', counts)
        const questions = await dashboardQueries()
        let silent = questions
        const answered = async () => {
          const answers = await Promise.all(questions.map(question => prometheus.query(question)))
          silent = questions.filter((_, index) => answers[index]?.length === 0)
          return silent.length === 0
        }
        await prometheus
          .until('the dashboard queries return results', answered)
          .catch(() => wrong.push(...silent.map(question => `a dashboard query has no result: ${question}`)))
        const noise = (await prometheus.alerts()).filter(({ state }) => state === 'firing')
        const names = noise.map(({ labels }) => labels.alertname).join(', ')
        expect(noise.length === 0, `alerts that fired without a reason: ${names}`)

        proxy.refuse(true)
        proxy.cut()
        await fires('HoldfastDatabaseDown')
        await prometheus.until('both processes report the lost database', async () => {
          const [blind] = await prometheus.query('count(holdfast_database_up == 0)')
          return blind === 2
        })
        const stillUp = await prometheus.query('up{job="holdfast"}')
        expect(stillUp.join() === '1,1', 'a process did not answer while its database was unreachable')
        const stale = await prometheus.query('holdfast_stuck_checkouts')
        expect(stale.length === 0, 'database metrics were reported while the database was unreachable')
        proxy.refuse(false)
        await prometheus.until(
          'HoldfastDatabaseDown ends',
          async () => !(await isFiring(prometheus, 'HoldfastDatabaseDown')),
        )
        await buy('tok_approve')
        await prometheus.until('orders are counted again', counts)
        const report = { paid: await paid(), completed: await completed() }

        await server.stop()
        await fires('HoldfastDown')
        return {
          buyers: options.buyers + 1,
          ...report,
          rules: rules.length,
          questions: questions.length,
          answered: questions.length - silent.length,
          fired,
          seconds: (performance.now() - startedAt) / 1000,
          wrong,
        }
      } finally {
        await prometheus.stop()
        await Promise.all([server.stop(), worker.stop()])
      }
    })
  } finally {
    await database.close()
    receiver.stop()
    await proxy.stop()
  }
}
