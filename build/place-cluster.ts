/** The last step of the build of the command: creates a prepared database cluster for a faster first start. */
import { fileURLToPath } from 'node:url'
import { placeCluster } from '../packages/holdfast/src/database/embedded/prepared-cluster.ts'

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url))

await placeCluster(folder('../packages/cli/cluster'), folder('../node_modules/.cache/holdfast'))
