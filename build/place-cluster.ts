/** The last step of a build: puts a prepared database cluster beside the command line. */
import { fileURLToPath } from 'node:url'
import { placeCluster } from '../packages/holdfast/src/database/embedded/prepared-cluster.ts'

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url))

await placeCluster(folder('../packages/cli/cluster'), folder('../node_modules/.cache/holdfast'))
