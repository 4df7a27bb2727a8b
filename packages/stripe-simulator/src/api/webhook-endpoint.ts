/** Webhook endpoints and the delivery over HTTP. */

export interface StripeWebhookEndpoint {
  url: string
  /** The secret that signs the webhooks of the endpoint: "whsec_…". */
  secret: string
}

/** Delivers a webhook. @throws to have it retried. */
export type DeliverStripeWebhook = (headers: Headers, body: string, url: string) => Promise<void>

/** Sends a webhook over HTTP. Anything but 2xx within ten seconds is a failure, also a redirect. */
export const postWebhook: DeliverStripeWebhook = async (headers, body, url) => {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the endpoint answered the webhook with ${response.status}`)
}
