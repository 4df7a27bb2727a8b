/**
 * How mails leave: over SMTP through a small pool of connections, or by what the shop brings. Every wait has an end, and
 * no error tells of a mail's content, of people's addresses or of what the server was logged in with (A12).
 */
import { createTransport } from 'nodemailer'
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { isForGood } from './permanent-mail-failure.ts'

/** One mail, whole, in nodemailer's terms. */
export interface MailMessage {
  from: { name: string; address: string }
  to: { name: string; address: string }
  subject: string
  text: string
  html: string
  /** "<…@shop.example>"; the same for every delivery of the same event. */
  messageId: string
  headers: Record<string, string>
  /** Aborted when nobody waits for it any more. */
  signal?: AbortSignal
}

/** A transporter of nodemailer, of any kind, or anything that sends as one. */
export interface MailTransport {
  /** Resolves once the mail was accepted; rejects to have it delivered again later. */
  sendMail(message: MailMessage): Promise<unknown>
}

export interface SmtpTransport extends MailTransport {
  /** Ends every connection now. */
  close(): void
}

/** Connections to the server at once, in each process. */
export const connectionsMax = 5
const idleMs = 10_000

/**
 * Through the server at `url`. A connection serves several mails and ends when it was idle for ten seconds.
 * @param stepMs how long connecting, the greeting, or an answer may take.
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
    // A mail is what stands in it, never a file or an address to fetch.
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

/** A code of a status, "550 5.1.1", of what a server answered. */
const statusOf = (response: string) => /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response)?.[0].replace('-', ' ') ?? ''

/** What the server said of an address, without the address, and without the part of `to` that names somebody. */
function saidOf(response: string, to: string): string {
  const [line = ''] = response.split(/[\r\n]/)
  const name = to.slice(0, to.lastIndexOf('@')).toLowerCase()
  // A short one is part of other words, too.
  const tells = (word: string) => (name.length > 2 ? word.includes(name) : word === name)
  return line
    .replaceAll(/\S+@\S+/g, '…')
    .replaceAll(/[^\s<>()"',:;]+/g, word => (tells(word.toLowerCase()) ? '…' : word))
    .slice(0, 160)
}

/**
 * Why a mail was not accepted, in a sentence for people. It may be told to logs: what the server wrote is quoted only
 * where it speaks of an address, for behind a password or a mail's content it may quote those. A `PermanentFailure` where
 * another try would be refused the same.
 * @param to whom it was for.
 */
export function refusalOf(thrown: unknown, to: string): Error {
  const { name, code, originalCode, responseCode, command, response, message } = (
    thrown instanceof Error ? thrown : new Error(String(thrown))
  ) as SmtpError
  if (name === 'AbortError') return new Error('the mail was not sent in time')
  const answer = typeof response === 'string' ? response : ''
  if (isForGood({ command, responseCode, response: answer })) {
    return new PermanentFailure(
      command === 'RCPT TO'
        ? `the mail server refuses the recipient for good (${saidOf(answer, to)})`
        : `the mail server refuses the mail for good (${statusOf(answer)})`,
    )
  }
  switch (code) {
    case 'EAUTH':
    case 'ENOAUTH':
      return new Error(
        `the mail server refuses the user or the password of SMTP_URL (${statusOf(answer) || 'no answer'})`,
      )
    case 'EENVELOPE':
      return new Error(
        `the mail server does not take the sender or the recipient (${saidOf(answer, to) || 'no answer'})`,
      )
    case 'EMESSAGE':
      return new Error(`the mail server does not take the mail (${statusOf(answer) || 'no answer'})`)
    case 'ETIMEDOUT':
      return new Error('the mail server does not answer in time')
    case 'EDNS':
    case 'ESOCKET':
    case 'ECONNECTION':
    case 'ETLS':
      return new Error(
        `the mail server cannot be reached, or hung up (${[code, originalCode].filter(each => typeof each === 'string').join(', ')}${answer === '' ? '' : `, ${statusOf(answer)}`})`,
      )
    default:
      return new Error(`the mail was not sent: ${saidOf(message, to)}`)
  }
}
