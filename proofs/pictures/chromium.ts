/** The system's Chromium for pictures. It makes no background requests. */
import { type Browser, chromium } from 'playwright-core'

/** Starts the browser for `work`, and closes it afterwards. */
export async function withChromium(work: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
  try {
    await work(browser)
  } finally {
    await browser.close()
  }
}
