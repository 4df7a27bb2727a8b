/** The address of a mail server, checked before anything parses it: what parsers say of a wrong one repeats its password. */

/** False where a password holds `/`, `?`, `#` or a blank as it is: it would be cut there, and be no password any more. */
export function isSmtpUrl(given: string): boolean {
  if (!/^smtps?:\/\/\S+$/.test(given) || !URL.canParse(given)) return false
  const { hostname, pathname, search, hash } = new URL(given)
  return hostname !== '' && /^\/?$/.test(pathname) && hash === '' && !search.includes('@')
}
