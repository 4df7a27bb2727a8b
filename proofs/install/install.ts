/** `npm run prove:install`: installs the packed packages into empty projects, compiles a sample, and runs a checkout. */
import { serverUrl } from '../command/options.ts'
import { runProof } from '../command/run-proof.ts'
import { summary } from '../command/summary.ts'
import { withDirectory, withPostgres } from '../command/temporary.ts'
import { type InstallReport, proveInstall } from './prove-install.ts'

const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`

function textOf(report: InstallReport): string {
  return summary(
    'Installed from the packed packages',
    [
      ['holdfast and pg', megabytes(report.installedBytes)],
      ['  packages', report.installedPackages],
      ['with @holdfast/cli', megabytes(report.installedBytesWithCommand)],
    ],
    report.wrong,
  )
}

await runProof({
  command: 'npm run prove:install --',
  options: { url: serverUrl },
  async run({ url }) {
    const report = await withDirectory(directory =>
      withPostgres(url, databaseUrl => proveInstall({ databaseUrl, directory })),
    )
    return { report, text: textOf(report), holds: report.wrong.length === 0 }
  },
})
