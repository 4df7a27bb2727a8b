/** Defences of money: intent before effect, one key per operation, unknown outcomes kept open, and voids that fence. */
import { type Edit, inTest, type Mutant } from '../mutant.ts'

const callGateway = 'packages/holdfast/src/saga/call-gateway.ts'
const authorization = 'packages/holdfast/src/phases/4-authorize-payment.ts'
const capture = 'packages/holdfast/src/phases/6-capture-payment.ts'
const place = 'packages/holdfast/src/saga/steps/place.ts'
const unwind = 'packages/holdfast/src/saga/steps/unwind.ts'

const crash = (title: string) => inTest('packages/holdfast/test/saga/crash.test.ts', `^Recovery \\(postgres.*${title}`)

/** Treats an unknown outcome as a refusal wherever answers are evaluated and recorded. */
const unknownIsDeclined: readonly Edit[] = [
  {
    file: 'packages/holdfast/src/payments/operations.ts',
    find: "status: answer.outcome === 'succeeded' || answer.outcome === 'declined' ? answer.outcome : 'intended',",
    replace:
      "status: answer.outcome === 'succeeded' ? 'succeeded' : answer.outcome === 'declined' || answer.outcome === 'unknown' ? 'declined' : 'intended',",
  },
  {
    file: unwind,
    find: "const definite = answer.outcome === 'succeeded' || answer.outcome === 'declined'",
    replace:
      "const definite = answer.outcome === 'succeeded' || answer.outcome === 'declined' || answer.outcome === 'unknown'",
  },
  {
    file: unwind,
    find: "status: definite && operation.status === 'intended' ? answer.outcome : operation.status,",
    replace:
      "status: definite && operation.status === 'intended' ? (answer.outcome === 'succeeded' ? 'succeeded' : 'declined') : operation.status,",
  },
  {
    file: authorization,
    find: "    case 'unknown':\n      return { to: 'wait', afterMs }",
    replace:
      "    case 'unknown':\n      return { to: 'unwind', failure: declined({ code: 'unknown', message: answer.message }) }",
  },
]

export const moneyMutants: readonly Mutant[] = [
  {
    name: 'intent before effect',
    without: 'committing the intent to authorize before the gateway is called: it is written with the answer',
    edits: [
      {
        file: 'packages/holdfast/src/saga/steps/prepare.ts',
        find: '  authorizePayment.write(tx, gateway.name, quotes)\n',
        replace: '',
      },
      {
        file: place,
        find: "import type { AuthorizationVerdict } from '../../phases/4-authorize-payment.ts'\n",
        replace: "import { type AuthorizationVerdict, authorizePayment } from '../../phases/4-authorize-payment.ts'\n",
      },
      {
        file: place,
        find: '    recordAnswers(\n      tx,\n      answered.map(',
        replace: `    authorizePayment.write(
      tx,
      context.gateway.name,
      answered.map(({ lease: { row } }) => ({
        checkoutId: row.id,
        totalMinor: row.total_minor ?? 0,
        currency: row.currency ?? '',
      })),
    )
    recordAnswers(\n      tx,\n      answered.map(`,
      },
    ],
    foundBy: crash('a checkout that completes ends as without a crash after_call:authorize'),
  },
  {
    name: 'intent to capture',
    without: 'committing the intent to capture before the gateway is called: it is written with the answer',
    edits: [
      {
        file: place,
        find: 'const now = placed.filter(({ row }) => row.details?.captureLater !== true)',
        replace: 'const now: typeof placed = []',
      },
      {
        file: 'packages/holdfast/src/saga/steps/settle.ts',
        find: '    recordAnswers(\n',
        replace: `    capturePayment.write(
      tx,
      context.gateway.name,
      answered.map(({ lease }) => ({ row: lease.row, reference: lease.reference })),
    )
    recordAnswers(\n`,
      },
    ],
    foundBy: crash('a checkout that completes ends as without a crash after_call:capture'),
  },
  {
    name: 'derived key',
    without: 'deriving the idempotency key: it is random in each attempt',
    edits: [
      {
        file: callGateway,
        find: 'const key = idempotencyKey(lease.row.id, kind, attempt)',
        replace: `const key = \`\${idempotencyKey(lease.row.id, kind, attempt)}:\${Math.random()}\``,
      },
    ],
    foundBy: crash('a checkout that completes ends as without a crash after_call:authorize'),
  },
  {
    name: 'lookup before repetition',
    without: 'looking up an operation before it is repeated',
    edits: [{ file: callGateway, find: "if (!lease.fresh && kind !== 'void') {", replace: 'if (false as boolean) {' }],
    foundBy: inTest(
      'packages/holdfast/test/saga/crash.test.ts',
      'postgres.*a process without the payment token completes an authorization',
    ),
  },
  {
    name: 'memory of keys',
    without: 'stopping the repetition of an operation whose key the gateway has forgotten',
    edits: [
      {
        file: callGateway,
        find: "return { outcome: 'unknown', message: 'The gateway has no record of this payment, and its key has expired.' }",
        replace: '',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/forgotten-key.test.ts',
      'postgres.*an authorization is not repeated after its key is forgotten',
    ),
  },
  {
    name: 'no guessing',
    without: 'keeping an unknown outcome open: it is treated as a refusal',
    edits: unknownIsDeclined,
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*a late authorization is found by lookup',
    ),
  },
  {
    name: 'fence',
    without: 'voiding an authorization of unknown outcome before it is given up',
    edits: [
      {
        file: authorization,
        find: "if (authorization === undefined || authorization.status === 'declined') return null",
        replace: "if (authorization === undefined || authorization.status !== 'succeeded') return null",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*a fenced authorization that arrives late',
    ),
  },
  {
    name: 'fence before release',
    without: 'voiding the payment before stock and coupon are released',
    edits: [
      {
        file: unwind,
        find: '  releaseAll(tx, ending)\n',
        replace: '  releaseAll(tx, works.map(work => ({ work })))\n',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*a failed void is retried until it succeeds',
    ),
  },
  {
    name: 'fence by key',
    without: 'sending the key of the fenced authorization with the void',
    edits: [
      {
        file: callGateway,
        find: "authorizationKey: idempotencyKey(row.id, 'authorize', 1),",
        replace: "authorizationKey: idempotencyKey(row.id, 'authorize', 2),",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*a fenced authorization that arrives late',
    ),
  },
  {
    name: 'refund of a captured payment',
    without: 'refunding a payment whose void was refused because it was captured',
    edits: [
      {
        file: authorization,
        find: "return voiding?.answer?.outcome === 'declined' && voiding.answer.code === 'already_captured'",
        replace: 'return voiding === undefined && false',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*a payment that was captured at the gateway during a rollback',
    ),
  },
  {
    name: 'amount authorized',
    without: 'comparing the authorized amount with the frozen total',
    edits: [
      {
        file: authorization,
        find: 'return answer.amountMinor === row.total_minor && answer.currency === row.currency\n',
        replace: 'return answer.amountMinor > 0\n',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*an authorization of a different amount',
    ),
  },
  {
    name: 'amount captured',
    without: 'comparing the captured amount with the frozen total',
    edits: [
      {
        file: capture,
        find: 'return answer.amountMinor === row.total_minor && answer.currency === row.currency\n',
        replace: 'return answer.amountMinor > 0\n',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/phases/4-authorize-payment.test.ts',
      'postgres.*waits for the shop, its stock firm',
    ),
  },
  {
    name: 'pivot',
    without: 'refusing to cancel after the decision to capture',
    edits: [
      {
        file: unwind,
        find: "    row.state === 'awaiting_capture' ||\n",
        replace: "    row.state === 'awaiting_capture' ||\n    row.state === 'capturing' ||\n",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/expiry-and-cancel.test.ts',
      'postgres.*a cancellation after the decision to capture',
    ),
  },
  {
    name: 'expiry at place',
    without: 'voiding an authorization that arrives after the expiry',
    edits: [{ file: place, find: 'if (row.expired) {', replace: 'if (false as boolean) {' }],
    foundBy: inTest(
      'packages/holdfast/test/saga/expiry-and-cancel.test.ts',
      'postgres.*an expiry in authorizing ends in failed',
    ),
  },
  {
    name: 'own gateway',
    without: 'calling only the gateway that has the payment',
    edits: [
      {
        file: callGateway,
        find: 'return row.gateway === null || row.gateway === context.gateway.name',
        replace: 'return true || row.gateway === context.gateway.name',
      },
      {
        file: 'packages/holdfast/src/database/checkouts.ts',
        find: 'where wake_at <= now() and (gateway is null or gateway = $2)',
        replace: 'where wake_at <= now() and $2::text is not null',
      },
    ],
    foundBy: inTest('packages/holdfast/test/saga/changed-gateway.test.ts', 'postgres.*a capture at the old gateway'),
  },
  {
    name: 'sealed token removed',
    without: 'removing the sealed token once the payment is authorized',
    edits: [
      {
        file: place,
        find: '    tries: 0,\n    sealedToken: null,\n    action: null,\n',
        replace: '    tries: 0,\n    action: null,\n',
      },
    ],
    foundBy: crash('a checkout that completes ends as without a crash after_commit:capturing'),
  },
  {
    name: 'one refund at a time',
    without: 'refusing a refund while the outcome of another one is unknown',
    edits: [
      {
        file: 'packages/holdfast/src/saga/refunds/refund.ts',
        find: "if (refunds.some(refund => refund.status === 'intended')) {",
        replace: 'if (false as boolean) {',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/refunds/refund.test.ts',
      'postgres.*no refund begins while another one has an unknown outcome',
    ),
  },
]
