/**
 * Mail by configuration: over SMTP; while one develops without a server, kept in files; else none. A shop that takes
 * money has real buyers, also where nobody said that it is in production: it keeps none.
 */
import type { CheckoutConfig } from '../config/config.ts'
import { createKeptMails, type KeptMails } from '../notify/mail/development-outbox.ts'
import { createMailListeners, type MailListeners } from '../notify/mail/mail.ts'

export interface OpenMail extends MailListeners {
  /** What was kept instead of being sent; null where mails are sent, or none are written. */
  kept: KeptMails | null
}

/** The money of the sandbox, and of Stripe's test mode, is nobody's. */
const takesMoney = ({ gateway, stripeSecretKey }: CheckoutConfig) =>
  gateway !== 'sandbox' && !/^[a-z]+_test_/.test(stripeSecretKey ?? '')

/** @param directory where mails are kept; null: nowhere. */
export function openMail(config: CheckoutConfig, directory: string | null): OpenMail {
  const { smtpUrl, environment } = config
  const keeps = smtpUrl === null && environment === 'development' && !takesMoney(config) && directory !== null
  const kept = keeps ? createKeptMails(directory) : null
  if (smtpUrl === null && kept === null)
    return { kept, listeners: {}, alert: null, flush: async () => {}, close: async () => {} }
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
