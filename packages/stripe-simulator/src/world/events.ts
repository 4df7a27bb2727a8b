/** Events in the shape of the API and of webhooks. */
import { either, flag, hash, integer, text, texts } from '../api/parameters.ts'
import { missing } from '../api/refusal.ts'
import { createdRange, isCreatedIn, pagingRules } from './table.ts'
import { apiVersion, type EventRecord, type World } from './world.ts'

/** The event as JSON; its object already is. */
export function eventText(event: EventRecord): string {
  const { id, created, cause, pendingWebhooks, type } = event
  const before = { id, object: 'event', api_version: apiVersion, created }
  const after = {
    livemode: false,
    pending_webhooks: pendingWebhooks,
    request: { id: cause.requestId, idempotency_key: cause.idempotencyKey },
    type,
  }
  return `${JSON.stringify(before).slice(0, -1)},"data":{"object":${event.object}},${JSON.stringify(after).slice(1)}`
}

export const eventObject = (event: EventRecord): object => JSON.parse(eventText(event)) as object

export const eventListRules = hash({
  ...pagingRules,
  created: either(integer, createdRange),
  delivery_success: flag,
  expand: texts,
  type: text,
  types: texts,
})

export function listEvents(world: World, params: ReturnType<typeof eventListRules>): object {
  const { created, type, types, delivery_success: delivered, expand: _, ...paging } = params
  const isOf = (name: string, wanted: string) =>
    wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted
  const page = world.events.page({
    url: '/v1/events',
    noun: 'event',
    paging,
    where: event =>
      isCreatedIn(event.created, created) &&
      (type === undefined || isOf(event.type, type)) &&
      (types === undefined || types.some(wanted => isOf(event.type, wanted))) &&
      (delivered === undefined || (event.pendingWebhooks === 0) === delivered),
  })
  return { ...page, data: page.data.map(eventObject) }
}

export function retrieveEvent(world: World, id: string): object {
  const event = world.events.get(id)
  if (event === undefined) throw missing('event', id)
  return eventObject(event)
}
