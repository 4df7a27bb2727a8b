/** Entry point `holdfast/notify/slack`. Needs the optional peer `@slack/webhook`. */
import { loadPeer } from '../optional-peer.ts'

export type { SlackListeners, SlackOptions } from '../notify/slack/slack.ts'

export const { createSlackListeners } = await loadPeer('@slack/webhook', () => import('../notify/slack/slack.ts'))
