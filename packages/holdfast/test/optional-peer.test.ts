/** A missing optional peer is reported by the name of the package to install; other errors stay unchanged. */
import { expect, test } from 'vitest'
import { loadPeer, MissingPeerError } from '../src/optional-peer.ts'

const failWith = (error: Error) => () => Promise.reject(error)
const notFound = (message: string) => Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' })

test('a peer that is installed is returned', async () => {
  expect(await loadPeer('redis', async () => ({ part: 7 }))).toEqual({ part: 7 })
})

test('a peer that is not installed throws MissingPeerError with the command to install it', async () => {
  const cause = notFound("Cannot find package 'redis' imported from /app/node_modules/holdfast/dist/sinks/redis.js")
  const error = await loadPeer('redis', failWith(cause)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(MissingPeerError)
  expect(error).toMatchObject({
    name: 'MissingPeerError',
    packageName: 'redis',
    message: 'the package "redis" is not installed; run: npm install redis',
    cause,
  })
})

test('any other error of the loaded code is thrown unchanged', async () => {
  for (const error of [
    notFound("Cannot find package 'left-pad' imported from /app/node_modules/redis/index.js"),
    notFound("Cannot find module '/app/node_modules/redis/dist/missing.js'"),
    new Error("the package 'redis' refused to start"),
  ]) {
    expect(await loadPeer('redis', failWith(error)).catch((thrown: unknown) => thrown)).toBe(error)
  }
})
