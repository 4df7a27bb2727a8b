/** A browser for simulated buyers: it keeps cookies, sends the CSRF token, and reports when no answer came. */

export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** Null: no answer came, and it is unknown whether the server processed the request. */
export type Reply = Answer | null

export interface Browser {
  get(path: string): Promise<Reply>
  /** Gets a session and its CSRF token first, if there is none yet. */
  send(method: 'POST' | 'PUT', path: string, body: unknown): Promise<Reply>
}

export interface BrowserOptions {
  /** The origin of the next request: any process of the shop. */
  origin(): string
  /** The timeout of a request. */
  timeoutMs: number
}

/** One session, with the same cookies for every process of the shop. */
export function createBrowser({ origin, timeoutMs }: BrowserOptions): Browser {
  const cookies = new Map<string, string>()
  let csrfToken: string | null = null

  async function request(method: string, path: string, body?: unknown): Promise<Reply> {
    const headers: Record<string, string> = { Accept: 'application/json', 'X-Requested-With': 'XMLHttpRequest' }
    if (cookies.size > 0) headers.Cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    if (csrfToken !== null) headers['X-CSRF-TOKEN'] = csrfToken
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    try {
      const response = await fetch(`${origin()}${path}`, {
        method,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        cookies.set(name, value)
      }
      return { status: response.status, body: JSON.parse(text) as Record<string, unknown> }
    } catch {
      // Refused, reset, timed out, or cut off within the body: the buyer cannot tell the difference.
      return null
    }
  }

  return {
    get: path => request('GET', path),
    async send(method, path, body) {
      if (csrfToken === null) {
        const answer = await request('GET', '/csrf-token')
        if (answer === null || typeof answer.body.csrf_token !== 'string') return null
        csrfToken = answer.body.csrf_token
      }
      return request(method, path, body)
    },
  }
}
