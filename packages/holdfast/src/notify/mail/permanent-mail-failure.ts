/** SMTP answers that mean permanent failure: the recipient or the email is rejected, and no configuration would help. */

/** A mail server's answer, and the command that it answers. */
export interface MailRefusal {
  command: unknown
  responseCode: unknown
  /** Such as "550 5.1.1 no such user". */
  response: string
}

/**
 * Enhanced status codes (RFC 3463) that are permanent for any command: a bad address, except the sender's (1.7, 1.8); a
 * mailbox that is disabled or cannot take an email of this size; an email too large for the server; malformed content.
 */
const permanentStatus = /^(1\.(?![78]$)\d+|2\.[13]|3\.4|6\.\d+)$/

/** Reply codes (RFC 5321, 4.2.3, and RFC 7504) that are permanent if the server gives no enhanced status. */
const permanentCodes: Readonly<Record<string, ReadonlySet<number>>> = {
  'RCPT TO': new Set([550, 551, 553, 556]),
  DATA: new Set([550, 554]),
}

/** Words about permission to send, or about space, which can change. */
const wordsOfTemporaryFailure = /relay|auth|sender|from address|verif|permi|spf|dkim|dmarc|black|block|full|quota/i
const wordsLengthMax = 160

/**
 * True if a retry would certainly be refused in the same way. False for causes in the shop's configuration: login (530,
 * 535), the sender's address, relaying, policy and security (X.7, except 7.1 for the email itself). False if in doubt.
 */
export function isPermanentRefusal({ command, responseCode, response }: MailRefusal): boolean {
  const codes = permanentCodes[String(command)]
  if (codes === undefined || typeof responseCode !== 'number' || responseCode < 500 || responseCode > 599) return false
  const [, status = '0.0'] = /^\d{3}[ -]5\.(\d{1,3}\.\d{1,3})\b/.exec(response) ?? []
  const saysNothing = status === '0.0' || (status === '7.1' && command === 'DATA')
  if (!saysNothing) return permanentStatus.test(status)
  return codes.has(responseCode) && !wordsOfTemporaryFailure.test(response.slice(0, wordsLengthMax))
}
