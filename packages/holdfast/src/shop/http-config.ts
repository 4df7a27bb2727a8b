/** Derives the settings of the HTTP handler from the configuration of the shop and its gateway. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import type { HttpConfig } from '../http/context.ts'

/** @param gateway the name of the gateway. It determines how the checkout page takes payments. */
export function httpConfigOf(config: CheckoutConfig & { secret: string }, gateway: string): HttpConfig {
  return {
    currency: config.currency,
    shopName: config.shopName,
    baseUrl: config.baseUrl,
    secret: config.secret,
    production: config.environment === 'production',
    rateLimitPerMinute: config.rateLimitPerMinute,
    trustedProxyHeader: config.trustedProxyHeader,
    adminSecret: config.adminSecret,
    metricsSecret: config.metricsSecret,
    stripe: gateway === 'stripe' ? { publishableKey: config.stripePublishableKey, apiUrl: config.stripeApiUrl } : null,
    paymentMethod: gateway === 'invoice' ? 'bank_transfer' : 'card',
    protection: config.cartProtection,
  }
}
