/** `npm run pictures:mails`: pictures of every email, light, dark, and narrow, in docs/operating/mail-*.png. */
import { mkdir } from 'node:fs/promises'
import { withChromium } from './chromium.ts'
import { mailKinds, writeMail } from './mail-samples.ts'

const views = [
  { name: 'light', width: 700, colorScheme: 'light' },
  { name: 'dark', width: 700, colorScheme: 'dark' },
  { name: 'narrow', width: 390, colorScheme: 'light' },
] as const

const directory = process.argv[2] ?? 'docs/operating'
await mkdir(directory, { recursive: true })
await withChromium(async browser => {
  for (const kind of mailKinds) {
    const { html } = await writeMail(kind)
    for (const { name, width, colorScheme } of views) {
      const page = await browser.newPage({ viewport: { width, height: 200 }, colorScheme, deviceScaleFactor: 1.25 })
      await page.setContent(html)
      const file = `${directory}/mail-${kind}-${name}.png`
      await page.screenshot({ path: file, fullPage: true })
      await page.close()
      console.log(file)
    }
  }
})
