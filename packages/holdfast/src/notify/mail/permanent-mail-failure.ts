/** Which refusals of a mail server are for good: those that surely speak of the recipient or the mail, and of nothing that people mend. */

/** An answer of a mail server, and to which command. */
export interface MailRefusal {
  command: unknown
  responseCode: unknown
  /** "550 5.1.1 no such user" */
  response: string
}

/**
 * By RFC 3463, whoever is asked: an address, but for the sender's (1.7, 1.8); a mailbox that is closed or never has room
 * for it; a mail too large for the server; one that cannot be read.
 */
const statusForGood = /^(1\.(?![78]$)\d+|2\.[13]|3\.4|6\.\d+)$/

/** By RFC 5321 (4.2.3) and RFC 7504, where the server gives no such status. */
const codesForGood: Readonly<Record<string, ReadonlySet<number>>> = {
  'RCPT TO': new Set([550, 551, 553, 556]),
  DATA: new Set([550, 554]),
}

/** Words about who may send through this server, or about room: that may change. */
const wordsOfNow = /relay|auth|sender|from address|verif|permi|spf|dkim|dmarc|black|block|full|quota/i
const wordsLengthMax = 160

/**
 * True where another try would be refused the same. What the shop's own set-up causes is not: user and password (530,
 * 535), the sender's address, relaying, policy and security (X.7, but for a mail refused as it is, 7.1). What is unclear
 * is not either.
 */
export function isForGood({ command, responseCode, response }: MailRefusal): boolean {
  const codes = codesForGood[String(command)]
  if (codes === undefined || typeof responseCode !== 'number' || responseCode < 500 || responseCode > 599) return false
  const [, status = '0.0'] = /^\d{3}[ -]5\.(\d{1,3}\.\d{1,3})\b/.exec(response) ?? []
  const saysNothing = status === '0.0' || (status === '7.1' && command === 'DATA')
  if (!saysNothing) return statusForGood.test(status)
  return codes.has(responseCode) && !wordsOfNow.test(response.slice(0, wordsLengthMax))
}
