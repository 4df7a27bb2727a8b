/**
 * Mail by configuration: over SMTP; while one develops without a server, kept in files; else none. A shop that takes
 * money has real buyers, also where nobody said that it is in production: it keeps none.
 */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import type { DevelopmentOutbox } from '../notify/mail/development-outbox.ts'
import type { MailListeners } from '../notify/mail/mail.ts'
import { loadPeer, MissingPeerError } from '../optional-peer.ts'

export interface OpenMail extends MailListeners {
  /** What was kept instead of being sent; null where mails are sent, or none are written. */
  kept: DevelopmentOutbox | null
}

/** The money of the sandbox, and of Stripe's test mode, is nobody's. */
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

/** @param directory where mails are kept; null: nowhere. */
export async function openMail(config: CheckoutConfig, directory: string | null): Promise<OpenMail> {
  const { smtpUrl, environment } = config
  const keeps = smtpUrl === null && environment === 'development' && !takesMoney(config) && directory !== null
  if (smtpUrl === null && !keeps) return noMail
  const parts = await loadMail()
  // Without a mail server, development goes on without nodemailer too.
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
