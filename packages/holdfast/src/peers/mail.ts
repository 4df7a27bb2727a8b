/** Entry point `holdfast/notify/mail`. Needs the optional peer `nodemailer`. */
import { loadPeer } from '../optional-peer.ts'

export type { MailListeners, MailOptions } from '../notify/mail/mail.ts'

export const { createMailListeners } = await loadPeer('nodemailer', () => import('../notify/mail/mail.ts'))
