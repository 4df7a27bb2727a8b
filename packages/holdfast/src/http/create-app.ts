/**
 * The Hono app that routes are registered on. Invalid input is rejected in one way: 404 for a path, 422 for the rest.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { HttpEnv } from './context.ts'
import { HttpError } from './errors.ts'
import { invalidRequest } from './schemas/validation-issues.ts'

export type HttpApp = OpenAPIHono<HttpEnv>

export function createApp(): HttpApp {
  return new OpenAPIHono<HttpEnv>({
    defaultHook: (result: { success: boolean; target: string; error?: Parameters<typeof invalidRequest>[0] }) => {
      if (result.success || result.error === undefined) return
      throw result.target === 'param' ? new HttpError('not_found', 'Not found.') : invalidRequest(result.error)
    },
  })
}
