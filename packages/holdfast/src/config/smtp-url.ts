/** A check of `SMTP_URL` that comes before any parser, because errors of parsers repeat the password. */

/** False for a password with an unencoded `/`, `?`, `#`, or space: a parser would cut the password there. */
export function isSmtpUrl(given: string): boolean {
  if (!/^smtps?:\/\/\S+$/.test(given) || !URL.canParse(given)) return false
  const { hostname, pathname, search, hash } = new URL(given)
  return hostname !== '' && /^\/?$/.test(pathname) && hash === '' && !search.includes('@')
}
