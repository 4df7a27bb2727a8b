/**
 * A mail transport for development that stores emails in files instead of sending them. Each file holds a complete message
 * as it would go to the server. Only the newest are kept, and a file appears only when it is complete.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { MailMessage, MailTransport } from './transport.ts'

export interface StoredMail {
  /** IDs sort by time. */
  id: string
  /** ISO 8601. */
  keptAt: string
  from: string
  to: string
  subject: string
  text: string
  html: string
  /** The complete message with its headers, as it goes over the wire. */
  source: string
}

export interface DevelopmentOutbox extends MailTransport {
  /** Newest first. */
  list(): Promise<StoredMail[]>
  /** Null if no email has this ID, or if it was removed. */
  read(id: string): Promise<StoredMail | null>
}

const idPattern = /^\d{8}T\d{9}-[0-9a-f]{12}$/
const idOf = (keptAt: string) => `${keptAt.replaceAll(/[-:.Z]/g, '')}-${randomBytes(6).toString('hex')}`

/** @param directory is created with the first mail. */
export function createDevelopmentOutbox(directory: string, keepMax = 200): DevelopmentOutbox {
  const composer = createTransport({
    streamTransport: true,
    buffer: true,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  /** Newest first. */
  async function ids(): Promise<string[]> {
    let files: string[]
    try {
      files = await readdir(directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    return files
      .filter(file => file.endsWith('.json') && idPattern.test(file.slice(0, -5)))
      .map(file => file.slice(0, -5))
      .sort()
      .reverse()
  }

  const fileOf = (id: string) => join(directory, `${id}.json`)

  async function read(id: string): Promise<StoredMail | null> {
    if (!idPattern.test(id)) return null
    try {
      return JSON.parse(await readFile(fileOf(id), 'utf8')) as StoredMail
    } catch (error) {
      // Another process may have just removed it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  return {
    async sendMail(message: MailMessage) {
      const composed = await composer.sendMail(message)
      const keptAt = new Date().toISOString()
      const id = idOf(keptAt)
      const { subject, text, html } = message
      const mail: StoredMail = {
        id,
        keptAt,
        from: `${message.from.name} <${message.from.address}>`,
        to: message.to.address,
        subject,
        text,
        html,
        source: String(composed.message),
      }
      await mkdir(directory, { recursive: true })
      const draft = join(directory, `${id}.draft`)
      await writeFile(draft, JSON.stringify(mail), { mode: 0o600 })
      await rename(draft, fileOf(id))
      for (const old of (await ids()).slice(keepMax)) await rm(fileOf(old), { force: true })
    },
    async list() {
      const mails = await Promise.all((await ids()).map(read))
      return mails.filter(mail => mail !== null)
    },
    read,
  }
}
