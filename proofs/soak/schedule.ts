/** The schedule of disturbances: each kind once in the first part of a run, then by chance. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Random, shuffled } from '../random.ts'
import type { Disturbance, Disturber, Weights } from './disturbances.ts'

export interface ScheduleOptions {
  disturber: Disturber
  weights: Weights
  random: Random
  lastsMs: number
  isOver(): boolean
  /** Called after each disturbance, once everything is up again. */
  onDone(kind: Disturbance): void
}

/** The average pause between disturbances after each kind has occurred. */
const meanMs = 1_800
/** The part of a run in which each kind occurs once. */
const firstRound = 0.6
/** The number of disturbances that may overlap. */
const atOnce = 5
const lookEveryMs = 250

/** Runs disturbances until `isOver`. Resolves when everything is up again. */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { disturber, weights, random, lastsMs, isOver, onDone } = options
  const kinds = Object.keys(weights) as Disturbance[]
  const due = shuffled(random, kinds)
  const gapMs = Math.min(meanMs, (lastsMs * firstRound) / kinds.length)
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []

  async function run(kind: Disturbance, isFirst: boolean): Promise<void> {
    try {
      if (await disturber.disturb(kind)) onDone(kind)
      else if (isFirst) due.push(kind)
    } catch (error) {
      failures.push(error)
    }
  }

  while (!isOver() && failures.length === 0) {
    await pause((due.length > 0 ? gapMs : meanMs) * random.between(0.5, 1.5))
    disturber.revive()
    while (!isOver() && failures.length === 0 && (running.size >= atOnce || !disturber.isUp())) {
      await pause(lookEveryMs)
      disturber.revive()
    }
    if (isOver()) break
    const first = due.shift()
    const started: Promise<void> = run(
      first ?? random.weighted(weights as Record<Disturbance, number>),
      first !== undefined,
    ).finally(() => running.delete(started))
    running.add(started)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}
