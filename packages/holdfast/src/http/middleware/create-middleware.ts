/** Hono's `createMiddleware`, typed with the bindings and variables of this app. */
import { createFactory } from 'hono/factory'
import type { HttpEnv } from '../context.ts'

export const { createMiddleware } = createFactory<HttpEnv>()
