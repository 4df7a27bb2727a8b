/** Prints the error of a database whose driver is not installed: the embedded one, then PostgreSQL. */
import { MissingPeerError, openDatabase } from 'holdfast'

for (const options of [{}, { url: 'postgres://127.0.0.1:1/none' }]) {
  const error: unknown = await openDatabase(options).then(
    () => null,
    thrown => thrown,
  )
  const isMissing = error instanceof MissingPeerError
  process.stdout.write(`${JSON.stringify(isMissing ? error.message : `unexpected: ${error}`)}\n`)
}
