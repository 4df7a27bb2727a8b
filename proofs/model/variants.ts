/** The configurations in which the model must hold, and the defences whose removal must cause a violation. */

export interface Configuration {
  name: string
  /** -D switches of `checkout.pml`. */
  switches: readonly string[]
  /** Also check that every run ends after the faults do (B1). Not with bounded numbers: there a run may stop at the bound. */
  isLive: boolean
  when: 'always' | 'by default' | 'long'
}

export const configurations: readonly Configuration[] = [
  { name: 'immediate capture', switches: [], isLive: true, when: 'always' },
  { name: 'capture later', switches: ['LATER'], isLive: true, when: 'by default' },
  { name: 'action required, pending', switches: ['ACTION'], isLive: true, when: 'by default' },
  { name: 'captured at the gateway', switches: ['LATER', 'BY_HAND'], isLive: true, when: 'by default' },
  { name: 'orders refunded', switches: ['REFUND'], isLive: true, when: 'by default' },
  { name: 'keys forgotten', switches: ['FORGET'], isLive: true, when: 'always' },
  { name: 'all but forgotten keys', switches: ['LATER', 'ACTION', 'BY_HAND', 'REFUND'], isLive: true, when: 'always' },
  {
    name: 'all of these together',
    switches: ['LATER', 'ACTION', 'BY_HAND', 'REFUND', 'FORGET'],
    isLive: true,
    when: 'by default',
  },
  { name: 'epochs as numbers', switches: ['NUMBERED', 'EPOCHS=3', 'LATER', 'ACTION'], isLive: false, when: 'always' },
  { name: 'three workers', switches: ['WORKERS=3'], isLive: true, when: 'long' },
]

export interface Defence {
  name: string
  switches: readonly string[]
  /** The property that is violated without the defence. */
  violates: string
  /** The violation is an endless run, not a forbidden state. */
  isLive?: boolean
}

export const defences: readonly Defence[] = [
  { name: 'epoch check', switches: ['NO_EPOCH'], violates: 'A7' },
  { name: 'intent before effect', switches: ['EFFECT_FIRST'], violates: 'A4' },
  { name: 'derived key', switches: ['RANDOM_KEY'], violates: 'A2' },
  { name: 'firm holds', switches: ['NOT_FIRM'], violates: 'A6' },
  { name: 'a void that fences', switches: ['NO_FENCE'], violates: 'B3' },
  { name: 'a void before giving up', switches: ['NO_VOID'], violates: 'B3' },
  { name: 'place checks state and epoch', switches: ['ANY_STATE'], violates: 'B2' },
  { name: 'place checks the expiry', switches: ['NO_EXPIRY'], violates: 'A6' },
  { name: 'a gateway that captures once with any key', switches: ['FORGET', 'CAPTURES_AGAIN'], violates: 'A2' },
  { name: 'recovery of captures', switches: ['NO_RECOVERY'], violates: 'B1', isLive: true },
]
