/**
 * The transport of mails: SMTP through a small pool of connections, or a transport of the application. Every wait has a
 * timeout, and no error contains the content of an email, a person's address, or credentials (A12).
 */
import { createTransport } from 'nodemailer'
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { isPermanentRefusal } from './permanent-mail-failure.ts'

/** A complete mail, in nodemailer's terms. */
export interface MailMessage {
  from: { name: string; address: string }
  to: { name: string; address: string }
  subject: string
  text: string
  html: string
  /** Such as "<…@shop.example>"; the same for every delivery of an event. */
  messageId: string
  headers: Record<string, string>
  /** Aborted when the caller stops waiting. */
  signal?: AbortSignal
}

/** Any nodemailer transporter, or an object with the same `sendMail`. */
export interface MailTransport {
  /** Resolves once the email is accepted. A rejection makes the delivery be retried. */
  sendMail(message: MailMessage): Promise<unknown>
}

export interface SmtpTransport extends MailTransport {
  /** Closes every connection at once. */
  close(): void
}

/** Concurrent connections to the server, per process. */
export const connectionsMax = 5
const idleMs = 10_000

/**
 * A transport through the server at `url`. A connection sends several emails, and closes after ten idle seconds.
 * @param stepMs timeout of the connection, the greeting, and each answer, milliseconds.
 */
export function createSmtpTransport(url: string, stepMs: number): SmtpTransport {
  const transporter = createTransport({
    url,
    pool: true,
    maxConnections: connectionsMax,
    idleTimeout: idleMs,
    dnsTimeout: stepMs,
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    socketCloseTimeout: Math.min(stepMs, 1_000),
    // Content is sent as given; nodemailer must never read files or fetch addresses for it.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    sendMail: message => transporter.sendMail(message),
    close: () => transporter.transporter.close?.({ force: true }),
  }
}

interface SmtpError extends Error {
  code?: unknown
  originalCode?: unknown
  responseCode?: unknown
  command?: unknown
  response?: unknown
}

/** The status codes of a server's answer, such as "550 5.1.1". */
const statusOf = (response: string) => /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response)?.[0].replace('-', ' ') ?? ''

/** The first line of a server's answer, without addresses and without the local part of `to`. */
function answerWithoutAddress(response: string, to: string): string {
  const [line = ''] = response.split(/[\r\n]/)
  const name = to.slice(0, to.lastIndexOf('@')).toLowerCase()
  // A short local part also occurs inside other words.
  const isAddress = (word: string) => (name.length > 2 ? word.includes(name) : word === name)
  return line
    .replaceAll(/\S+@\S+/g, '…')
    .replaceAll(/[^\s<>()"',:;]+/g, word => (isAddress(word.toLowerCase()) ? '…' : word))
    .slice(0, 160)
}

/**
 * Converts a transport's error to one that is safe to log. It quotes the server's answer only if that is about an
 * address, because an answer about a login or an email's content may repeat those. Returns a `PermanentFailure` if a retry
 * would be refused in the same way.
 * @param to the recipient's address.
 */
export function refusalOf(thrown: unknown, to: string): Error {
  const { name, code, originalCode, responseCode, command, response, message } = (
    thrown instanceof Error ? thrown : new Error(String(thrown))
  ) as SmtpError
  if (name === 'AbortError') return new Error('mail not sent in time')
  const answer = typeof response === 'string' ? response : ''
  if (isPermanentRefusal({ command, responseCode, response: answer })) {
    return new PermanentFailure(
      command === 'RCPT TO'
        ? `the mail server permanently rejects the recipient (${answerWithoutAddress(answer, to)})`
        : `the mail server permanently rejects the email (${statusOf(answer)})`,
    )
  }
  switch (code) {
    case 'EAUTH':
    case 'ENOAUTH':
      return new Error(`the mail server rejects the user or password of SMTP_URL (${statusOf(answer) || 'no answer'})`)
    case 'EENVELOPE':
      return new Error(
        `the mail server rejects the sender or the recipient (${answerWithoutAddress(answer, to) || 'no answer'})`,
      )
    case 'EMESSAGE':
      return new Error(`the mail server rejects the email (${statusOf(answer) || 'no answer'})`)
    case 'ETIMEDOUT':
      return new Error('the mail server does not answer in time')
    case 'EDNS':
    case 'ESOCKET':
    case 'ECONNECTION':
    case 'ETLS':
      return new Error(
        `could not connect to the mail server, or the connection was lost (${[code, originalCode].filter(each => typeof each === 'string').join(', ')}${answer === '' ? '' : `, ${statusOf(answer)}`})`,
      )
    default:
      return new Error(`could not send the email: ${answerWithoutAddress(message, to)}`)
  }
}
