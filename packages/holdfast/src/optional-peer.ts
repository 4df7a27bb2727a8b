/** Loading of optional peer dependencies. A missing one is an error that names the package to install. */

/** An optional peer dependency is not installed. */
export class MissingPeerError extends Error {
  override readonly name = 'MissingPeerError'
  /** The npm package to install. */
  readonly packageName: string
  constructor(packageName: string, cause: unknown) {
    super(`the package "${packageName}" is not installed; run: npm install ${packageName}`, { cause })
    this.packageName = packageName
  }
}

/**
 * Returns the module that `load` imports.
 * @throws {MissingPeerError} if `packageName` is not installed; any other error of `load` unchanged.
 */
export async function loadPeer<Module>(packageName: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${packageName}'`)
    throw isMissing ? new MissingPeerError(packageName, error) : error
  }
}
