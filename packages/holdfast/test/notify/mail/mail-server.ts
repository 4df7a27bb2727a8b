/** A real SMTP server in this process that accepts emails, rejects them, or does not answer, as a test chooses. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

export interface ReceivedMail {
  /** From the envelope. */
  recipients: string[]
  mail: ParsedMail
  raw: string
}

/** `stalls` accepts connections and never answers; `drops` closes the connection in the middle of the email. */
export type ServerMood = 'takes' | 'refuses recipients' | 'is busy' | 'refuses contents' | 'drops' | 'stalls'

export interface MailServer {
  /** Includes user and password. */
  url: string
  received: ReceivedMail[]
  mood: ServerMood
  /** Rejects one step in any mood; null: none. */
  refuses: { at: 'connect' | 'MAIL FROM' | 'RCPT TO' | 'DATA'; code: number; text: string } | null
  /** Currently open connections. */
  connections(): number
  /** Number of emails offered, accepted or not. */
  offered(): number
  stop(): Promise<void>
}

const user = 'shop'
/** Contains characters that must be escaped in an address. */
export const smtpPassword = 'canary-p@ss/word:1?'

function answer(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code })
}

export async function startMailServer(port = 0): Promise<MailServer> {
  const received: ReceivedMail[] = []
  let offered = 0
  const sockets = new Set<Socket>()
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authMethods: ['PLAIN', 'LOGIN'],
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 200,
    onAuth(auth, _session, done) {
      const isRight = auth.username === user && auth.password === smtpPassword
      if (isRight) done(null, { user })
      else done(answer(535, `5.7.8 wrong: ${auth.password}`))
    },
    onConnect(_session, done) {
      if (mailServer.mood !== 'stalls') done(refusalAt('connect'))
    },
    onMailFrom(_address, _session, done) {
      done(refusalAt('MAIL FROM'))
    },
    onRcptTo({ address }, _session, done) {
      offered += 1
      if (mailServer.mood === 'refuses recipients') done(answer(550, `5.1.1 <${address}>: no such user`))
      else if (mailServer.mood === 'is busy') done(answer(450, `4.2.1 <${address}> try later`))
      else done(refusalAt('RCPT TO'))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', chunk => {
        chunks.push(chunk)
        if (mailServer.mood === 'drops') for (const socket of sockets) socket.destroy()
      })
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8')
        if (mailServer.mood === 'refuses contents') done(answer(554, `5.7.1 spam: ${raw}`))
        else if (refusalAt('DATA')) done(refusalAt('DATA'))
        else keep(raw, session).then(() => done(), done)
      })
    },
  })
  function refusalAt(step: NonNullable<MailServer['refuses']>['at']): Error | null {
    const { refuses } = mailServer
    return refuses?.at === step ? answer(refuses.code, refuses.text) : null
  }
  async function keep(raw: string, { envelope }: SMTPServerSession): Promise<void> {
    received.push({ recipients: envelope.rcptTo.map(({ address }) => address), mail: await simpleParser(raw), raw })
  }
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  // A client that disconnects is not an error of the server.
  server.on('error', () => {})
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const mailServer: MailServer = {
    url: `smtp://${user}:${encodeURIComponent(smtpPassword)}@127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    received,
    mood: 'takes',
    refuses: null,
    connections: () => sockets.size,
    offered: () => offered,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
  return mailServer
}

/** The addresses of a header. */
export const addressesOf = (header: AddressObject | AddressObject[] | undefined): string[] =>
  [header ?? []].flat().flatMap(({ value }) => value.map(({ address }) => address ?? ''))
