/**
 * A process of concurrent buyers for the health benchmark, who start one checkout after another until standard input
 * ends. Arguments: the server's URL, the number of buyers, the number of SKUs. Prints the number of orders at the end.
 */
import { createBuyer } from '../proofs/buyers/buyer.ts'
import { runVisits } from '../proofs/buyers/load.ts'

const [url = '', buyers = '1', skus = '1'] = process.argv.slice(2)
let isOver = false
process.stdin.on('end', () => {
  isOver = true
})
process.stdin.resume()

const startedAt = performance.now()
const records = await runVisits(
  Number(buyers),
  () => isOver,
  () => {
    const buyer = createBuyer({
      origin: () => url,
      isOver: () => isOver,
      line: { sku: `SKU-${1 + Math.floor(Math.random() * Number(skus))}`, quantity: 1 },
      token: 'tok_approve',
      sendsLockId: true,
    })
    return { buyer, run: async () => (await buyer.prepare()) && buyer.pay() }
  },
)
const seconds = (performance.now() - startedAt) / 1000
const orders = records.filter(({ ending }) => ending.kind === 'ordered').length
const lost = records.reduce((sum, { lostAnswers, serverErrors }) => sum + lostAnswers + serverErrors.length, 0)
process.stdout.write(JSON.stringify({ orders, perSecond: orders / seconds, lost }))
