/** The browser that pictures are made with: the one of the system, which opens nothing but what it is given. */
import { type Browser, chromium } from 'playwright-core'

/** Runs `work` and ends the browser, however it goes. */
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
