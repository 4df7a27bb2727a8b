/**
 * Opens mail by configuration: SMTP, or files during development without a mail server, or none. A shop that takes money
 * has real buyers, even if it is not configured as production: it keeps no emails in files.
 */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import type { DevelopmentOutbox } from '../notify/mail/development-outbox.ts'
import type { MailListeners } from '../notify/mail/mail.ts'
import { loadPeer, MissingPeerError } from '../optional-peer.ts'

export interface OpenMail extends MailListeners {
  /** The emails that were kept instead of sent. Null if emails are sent, or none are written. */
  kept: DevelopmentOutbox | null
}

/** False for the sandbox and Stripe's test mode, where no real money moves. */
const takesMoney = ({ gateway, stripeSecretKey }: CheckoutConfig) =>
  gateway !== 'sandbox' && !/^[a-z]+_test_/.test(stripeSecretKey ?? '')

const noMail: OpenMail = { kept: null, listeners: {}, alert: null, flush: async () => {}, close: async () => {} }

/** Null if nodemailer is not installed. */
async function loadMail() {
  try {
    return await loadPeer('nodemailer', async () => ({
      ...(await import('../notify/mail/development-outbox.ts')),
      ...(await import('../notify/mail/mail.ts')),
    }))
  } catch (error) {
    if (error instanceof MissingPeerError) return null
    throw error
  }
}

/**
 * @param directory the folder for kept emails; null: emails are not kept.
 * @throws {MissingPeerError} if a mail server is configured and nodemailer is not installed.
 */
export async function openMail(config: CheckoutConfig, directory: string | null): Promise<OpenMail> {
  const { smtpUrl, environment } = config
  const keeps = smtpUrl === null && environment === 'development' && !takesMoney(config) && directory !== null
  if (smtpUrl === null && !keeps) return noMail
  const parts = await loadMail()
  // Development without a mail server also works without nodemailer.
  if (parts === null) {
    if (smtpUrl !== null) throw new MissingPeerError('nodemailer', null)
    return noMail
  }
  const { createDevelopmentOutbox, createMailListeners } = parts
  const kept = keeps ? createDevelopmentOutbox(directory) : null
  const mail = createMailListeners({
    ...(smtpUrl === null ? {} : { smtpUrl }),
    ...(kept === null ? {} : { transport: kept }),
    from: config.mailFrom ?? 'shop@localhost',
    shopName: config.shopName,
    baseUrl: config.baseUrl,
    locale: config.locale,
    timeZone: config.timeZone,
    adminEmail: config.notificationEmail,
    notifyCustomer: config.notifyCustomer,
    notifyOnFailure: config.notifyOnFailure,
    notifyOnExpiration: config.notifyOnExpiration,
  })
  return { kept, ...mail }
}
