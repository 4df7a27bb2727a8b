/** Imports each entry that needs no optional peer, so that the compiler checks all type declarations behind it. */
export type { CheckoutEngine, CheckoutEvents, Outcome, PaymentGateway } from 'holdfast'
export type { Database } from 'holdfast/database'
export { createInvoiceGateway } from 'holdfast/gateways/invoice'
export type { HttpHandler, PageSet } from 'holdfast/http'
export { audit } from 'holdfast/operations'
export { createShop, type Shop } from 'holdfast/shop'
export * as webhookSink from 'holdfast/sinks/webhook'
