/** The names a filter by listener may have: registered in this process, or stored with a delivery by any process. */
import { type Database, statement } from '../database/database.ts'
import { checkKnownName } from '../domain/known-names.ts'

const storedStatement = statement('deliveries_listener_names', 'select distinct listener from holdfast.deliveries')

/** @throws {CheckoutError} `invalid_argument`, with the known names, if no listener has this name. */
export async function checkListenerName(
  database: Database,
  registered: readonly { name: string }[],
  name: string,
): Promise<void> {
  const names = registered.map(listener => listener.name)
  // Read the table only if necessary: it keeps every delivery ever made.
  if (names.includes(name)) return
  const stored = await database.query<{ listener: string }>(storedStatement)
  checkKnownName('listener', name, [...names, ...stored.map(({ listener }) => listener)])
}
