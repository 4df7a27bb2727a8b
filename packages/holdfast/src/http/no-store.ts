/** Headers of responses that belong to one client at one moment and must not be cached. */
export const noStore = { 'Cache-Control': 'no-store' } as const
