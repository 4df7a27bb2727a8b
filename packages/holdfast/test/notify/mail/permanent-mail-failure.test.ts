/** Answers of mail servers that are permanent, and answers that a configuration change or time may turn. */
import { expect, test } from 'vitest'
import { isPermanentRefusal } from '../../../src/notify/mail/permanent-mail-failure.ts'

const isPermanent = (command: unknown, response: string) =>
  isPermanentRefusal({ command, responseCode: Number.parseInt(response, 10), response })

test.each([
  ['RCPT TO', '550 5.1.1 <…> user unknown'],
  ['RCPT TO', '550-5.1.1 The email account that you tried to reach does not exist.'],
  ['RCPT TO', '550 5.1.10 recipient not found'],
  ['RCPT TO', '550 5.2.1 mailbox disabled'],
  ['RCPT TO', '556 5.1.10 this domain takes no mail'],
  ['RCPT TO', '550 No such user here'],
  ['RCPT TO', '551 user not local'],
  ['RCPT TO', '553 mailbox name not allowed'],
  ['RCPT TO', '550 5.0.0 unknown user'],
  ['DATA', '554 5.7.1 looks like spam'],
  ['DATA', '552 5.3.4 message too big'],
  ['DATA', '554 5.6.0 cannot be read'],
  ['DATA', '550 message refused'],
])('%s, %s is permanent', (command, response) => {
  expect(isPermanent(command, response)).toBe(true)
})

test.each([
  ['CONN', '554 no service'],
  ['EHLO', '550 go away'],
  ['AUTH PLAIN', '535 5.7.8 wrong password'],
  ['MAIL FROM', '550 5.1.1 what'],
  ['MAIL FROM', '530 5.7.0 must issue STARTTLS first'],
  [undefined, '550 5.1.1 from somewhere'],
  ['RCPT TO', '450 4.2.1 greylisted'],
  ['RCPT TO', '530 authentication required'],
  ['RCPT TO', '550 Authentication required'],
  ['RCPT TO', '554 5.7.1 relay access denied'],
  ['RCPT TO', '550 5.7.1 blocked, see a list of senders'],
  ['RCPT TO', '550 relay not permitted'],
  ['RCPT TO', '550 Sender verify failed'],
  ['RCPT TO', '550 5.1.8 sender domain not found'],
  ['RCPT TO', '552 5.2.2 mailbox full'],
  ['RCPT TO', '550 mailbox is over quota'],
  ['RCPT TO', '550 5.4.4 no route to host'],
  ['RCPT TO', '503 5.5.1 bad sequence of commands'],
  ['DATA', '554 Message rejected: Email address is not verified.'],
  ['DATA', '550 5.7.1 sender is not authenticated'],
  ['DATA', '550 5.7.60 client has no permission to send as this sender'],
  ['DATA', '550 5.7.26 SPF and DKIM did not pass'],
  ['DATA', '452 4.3.1 no space'],
  ['DATA', ''],
])('%s, %s may succeed on a retry', (command, response) => {
  expect(isPermanent(command, response)).toBe(false)
})
