/** Where webhooks go, and how they get there. */

export interface StripeWebhookEndpoint {
  url: string
  /** Signs what is sent there: "whsec_…". */
  secret: string
}

/** Takes a webhook; throws to have it sent again. */
export type DeliverStripeWebhook = (headers: Headers, body: string, url: string) => Promise<void>

/** Sends over HTTP; anything but 2xx within ten seconds is a failure, a redirect too. */
export const postWebhook: DeliverStripeWebhook = async (headers, body, url) => {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`)
}
