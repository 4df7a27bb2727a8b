/** The things on the demonstration's pictures, each drawn from a few shapes around the middle of a 400 × 400 square. */

export interface Inks {
  /** Of the thing itself. */
  main: string
  /** Its shaded side, its lit side, and metal or trim. */
  dark: string
  light: string
  trim: string
}

export type Motif = (inks: Inks) => string

type Point = readonly [x: number, y: number]

const round = (value: number) => Math.round(value * 10) / 10
const polyline = (points: readonly Point[]) => `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}`

/** A laid rope along a path: outline, body, and the strands across it. */
function rope(d: string, width: number, { main, dark, light }: Inks, cap: 'butt' | 'round' = 'round'): string {
  const stroke = (color: string, at: number, more = '') =>
    `<path d="${d}" fill="none" stroke="${color}" stroke-width="${at}" stroke-linecap="${cap}" stroke-linejoin="round"${more}/>`
  return [
    stroke(dark, width + 5),
    stroke(main, width),
    `<path d="${d}" fill="none" stroke="${dark}" stroke-opacity=".45" stroke-width="${width}" stroke-dasharray="2.5 ${round(width * 0.55)}"/>`,
    `<path d="${d}" fill="none" stroke="${light}" stroke-opacity=".55" stroke-width="${round(width * 0.28)}" stroke-dasharray="${round(width * 0.5)} ${round(width * 0.42)}"/>`,
  ].join('')
}

/** A closed curve that passes over and under itself; `height` above 0 is over. */
function interlaced(curve: (t: number) => Point, height: (t: number) => number, width: number, inks: Inks): string {
  const steps = 240
  const at = (step: number) => (step / steps) * 2 * Math.PI
  const runs: { over: boolean; points: Point[] }[] = []
  for (let step = 0; step <= steps; step += 1) {
    const over = height(at(step + 0.5)) > 0
    const last = runs.at(-1)
    if (last === undefined || last.over !== over) {
      // A little longer at both ends, so that no seam shows.
      const lead = [-2, -1].map(back => curve(at(step + back)))
      runs.push({ over, points: [...lead, curve(at(step))] })
    } else last.points.push(curve(at(step)))
  }
  return [...runs]
    .sort((a, b) => Number(a.over) - Number(b.over))
    .map(run => rope(polyline(run.points), width, inks, 'butt'))
    .join('')
}

const coil: Motif = inks => {
  const turns = [0, 1, 2, 3].map(turn => {
    const y = 262 - turn * 27
    return rope(`M96 ${y}C96 ${y + 58} 304 ${y + 58} 304 ${y}`, 23, inks)
  })
  const top = rope('M96 181C96 128 304 128 304 181C304 234 96 234 96 181Z', 23, inks)
  const eye = rope('M128 176C150 150 250 150 272 176C262 206 196 218 160 204', 20, inks)
  return `${turns.join('')}${top}${eye}${rope('M298 268C330 282 334 306 306 322', 21, inks)}`
}

const hank: Motif = inks => {
  const loops = [-54, -27, 0, 27, 54].map(x =>
    rope(`M${200 + x * 0.5} 104C${200 + x * 2.1} 120 ${200 + x * 2.1} 290 ${200 + x * 0.6} 310`, 17, inks),
  )
  const wraps = [0, 1, 2, 3].map(turn => rope(`M150 ${176 + turn * 16}L250 ${170 + turn * 16}`, 15, inks))
  return `${rope('M200 112C160 60 240 60 200 112', 15, inks)}${loops.join('')}${wraps.join('')}`
}

const trefoil: Motif = inks =>
  interlaced(
    t => [200 + 46 * (Math.sin(t) + 2 * Math.sin(2 * t)), 192 + 46 * (Math.cos(t) - 2 * Math.cos(2 * t))],
    t => -Math.sin(3 * t),
    27,
    inks,
  )

const turksHead: Motif = inks =>
  interlaced(
    t => {
      const radius = 98 + 36 * Math.cos(2.5 * 2 * t)
      return [200 + radius * Math.cos(2 * t), 200 + radius * Math.sin(2 * t)]
    },
    t => Math.sin(5 * t + Math.PI / 2) * Math.cos(5 * t),
    17,
    inks,
  )

const monkeyFist: Motif = inks => {
  const across = [-30, 0, 30].map(x =>
    rope(`M${200 + x} 118C${200 + x * 1.7} 160 ${200 + x * 1.7} 224 ${200 + x} 264`, 25, inks),
  )
  const around = [-26, 0, 26].map(y =>
    rope(`M140 ${192 + y}C170 ${206 + y * 1.3} 230 ${206 + y * 1.3} 260 ${192 + y}`, 21, inks),
  )
  return `${rope('M214 118C240 60 330 84 318 150C306 220 322 288 284 330', 16, inks)}<circle cx="200" cy="191" r="76" fill="${inks.dark}"/>${across.join('')}${around.join('')}`
}

const board: Motif = inks => {
  const small = { ...inks, main: '#e9dcc3', dark: '#8d6f42', light: '#fff8e7' }
  const knots = [0, 1, 2, 3, 4, 5].map(at => {
    const x = 138 + (at % 3) * 62
    const y = 150 + Math.floor(at / 3) * 92
    const turn = at % 2 === 0 ? 1 : -1
    return rope(
      `M${x - 20} ${y + 26}C${x + 34 * turn} ${y - 6} ${x + 20} ${y - 34} ${x} ${y - 18}C${x - 22} ${y} ${x - 26 * turn} ${y + 2} ${x + 20} ${y + 28}`,
      8,
      small,
    )
  })
  return `<rect x="92" y="92" width="216" height="216" rx="6" fill="${inks.dark}"/><rect x="104" y="104" width="192" height="192" rx="2" fill="${inks.trim}"/>${knots.join('')}`
}

const bellRope: Motif = inks =>
  `<path d="M186 70a14 14 0 1 1 28 0v22h-28z" fill="none" stroke="${inks.trim}" stroke-width="9"/>${[0, 1, 2]
    .map(at => rope(`M178 ${112 + at * 16}L222 ${112 + at * 16}`, 14, inks))
    .join('')}${rope('M184 164C216 186 184 206 216 228M216 164C184 186 216 206 184 228', 15, inks)}${[0, 1, 2, 3]
    .map(at => rope(`M176 ${244 + at * 15}L224 ${244 + at * 15}`, 13, inks))
    .join(
      '',
    )}<path d="M172 300h56l10 44h-76z" fill="${inks.main}"/><path d="M180 304l-6 38M192 304l-3 38M204 304l2 38M216 304l7 38" stroke="${inks.dark}" stroke-width="3"/>`

const knife: Motif = inks =>
  `<g transform="rotate(-38 200 200)"><path d="M196 176h134c22 0 36 12 40 24H196z" fill="#cfd6d8"/><path d="M196 200h174c-6 10-16 14-34 14H196z" fill="#9fabb0"/><rect x="48" y="166" width="160" height="56" rx="26" fill="${inks.main}"/><rect x="48" y="196" width="160" height="26" rx="13" fill="${inks.dark}" opacity=".35"/><circle cx="92" cy="194" r="7" fill="${inks.trim}"/><circle cx="140" cy="194" r="7" fill="${inks.trim}"/><rect x="194" y="164" width="16" height="60" rx="3" fill="${inks.trim}"/></g>${rope('M92 292C70 320 92 346 124 336C150 328 150 304 128 304', 9, { ...inks, main: '#d8bf8f', dark: '#7d6137', light: '#fff3d6' })}`

const fid: Motif = inks =>
  `<g transform="rotate(32 200 200)"><path d="M200 54c14 60 24 150 24 226a24 24 0 0 1-48 0c0-76 10-166 24-226z" fill="${inks.main}"/><path d="M200 54c14 60 24 150 24 226a24 24 0 0 1-24 24z" fill="${inks.dark}" opacity=".4"/><path d="M177 262h46v14h-46z" fill="${inks.trim}"/><path d="M193 110c-4 44-7 90-7 132" stroke="${inks.light}" stroke-width="5" stroke-linecap="round" opacity=".6" fill="none"/></g>`

const palm: Motif = inks =>
  `<path d="M112 214c0-62 42-104 96-104s88 40 88 96-34 92-88 92c-30 0-52-8-66-24l34-34c10 8 20 10 32 10 24 0 40-18 40-44s-18-48-44-48c-30 0-48 24-48 56z" fill="${inks.main}"/><path d="M112 214c0-62 42-104 96-104 12 0 24 2 34 6-60 2-98 40-98 98z" fill="${inks.light}" opacity=".35"/><circle cx="146" cy="252" r="30" fill="${inks.trim}"/><g fill="${inks.dark}">${[
    0, 1, 2, 3, 4, 5, 6,
  ]
    .map(
      at =>
        `<circle cx="${round(146 + (at === 0 ? 0 : 16 * Math.cos(at * 1.047)))}" cy="${round(252 + (at === 0 ? 0 : 16 * Math.sin(at * 1.047)))}" r="4"/>`,
    )
    .join('')}</g>`

const spool: Motif = inks =>
  `<rect x="126" y="92" width="148" height="26" rx="12" fill="${inks.trim}"/><rect x="146" y="112" width="108" height="172" fill="${inks.main}"/>${[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ]
    .map(
      at =>
        `<path d="M146 ${122 + at * 15}l108 -6" stroke="${at % 2 === 0 ? inks.dark : inks.light}" stroke-opacity=".55" stroke-width="5"/>`,
    )
    .join(
      '',
    )}<rect x="126" y="278" width="148" height="28" rx="12" fill="${inks.trim}"/>${rope('M252 262C306 262 300 318 336 326', 8, inks)}`

const cleat: Motif = inks =>
  `<path d="M60 168c40-22 86-22 140-22s100 0 140 22c6 4 4 14-4 16-40 8-62 16-72 30h-14l14 62H136l14-62h-14c-10-14-32-22-72-30-8-2-10-12-4-16z" fill="${inks.trim}"/><path d="M60 168c40-22 86-22 140-22s100 0 140 22c-50-8-94-8-140-8s-90 0-140 8z" fill="#fff" opacity=".4"/><rect x="116" y="270" width="168" height="26" rx="6" fill="${inks.dark}"/><circle cx="146" cy="283" r="7" fill="${inks.trim}"/><circle cx="254" cy="283" r="7" fill="${inks.trim}"/>${rope('M110 322C150 236 196 250 222 196C236 164 286 196 262 226C236 256 150 176 128 206C112 232 176 262 292 330', 17, { ...inks, main: '#e4d3ad', dark: '#856a3f', light: '#fff8e7' })}`

const block: Motif = inks =>
  `<path d="M200 60c16 0 26 10 26 24s-10 22-26 22-26-8-26-22 10-24 26-24z" fill="none" stroke="${inks.trim}" stroke-width="11"/><path d="M200 104c52 0 78 42 78 104s-30 106-78 106-78-44-78-106 26-104 78-104z" fill="${inks.main}"/><path d="M200 104c52 0 78 42 78 104s-30 106-78 106z" fill="${inks.dark}" opacity=".35"/><rect x="178" y="122" width="44" height="174" rx="20" fill="${inks.dark}"/><circle cx="200" cy="208" r="52" fill="${inks.trim}"/><circle cx="200" cy="208" r="34" fill="none" stroke="${inks.dark}" stroke-width="4"/><circle cx="200" cy="208" r="11" fill="${inks.dark}"/>${rope('M252 208V346M148 208V346', 13, { ...inks, main: '#e4d3ad', dark: '#856a3f', light: '#fff8e7' })}`

const shackle: Motif = inks =>
  `<path d="M136 250V168a64 64 0 0 1 128 0v82" fill="none" stroke="${inks.dark}" stroke-width="40"/><path d="M136 250V168a64 64 0 0 1 128 0v82" fill="none" stroke="${inks.trim}" stroke-width="32"/><path d="M130 250V168a70 70 0 0 1 70-70" fill="none" stroke="#fff" stroke-width="7" opacity=".45" stroke-linecap="round"/><rect x="92" y="246" width="216" height="34" rx="14" fill="${inks.main}"/><rect x="92" y="264" width="216" height="16" rx="8" fill="${inks.dark}" opacity=".35"/><circle cx="318" cy="263" r="22" fill="none" stroke="${inks.trim}" stroke-width="9"/>`

const lantern: Motif = inks =>
  `<circle cx="200" cy="206" r="128" fill="#ffdf8a" opacity=".35"/><path d="M156 94a44 40 0 0 1 88 0" fill="none" stroke="${inks.dark}" stroke-width="8"/><path d="M150 118l16-28h68l16 28z" fill="${inks.main}"/><rect x="140" y="116" width="120" height="18" rx="6" fill="${inks.dark}"/><rect x="152" y="134" width="96" height="138" rx="22" fill="#fff1c4"/><path d="M200 168c24 30 22 66 0 76-22-10-24-46 0-76z" fill="#f2a33a"/><path d="M200 202c11 15 10 34 0 39-10-5-11-24 0-39z" fill="#fff6d8"/><path d="M152 168h96M152 236h96M176 134v138M224 134v138" stroke="${inks.trim}" stroke-width="5"/><rect x="136" y="268" width="128" height="20" rx="6" fill="${inks.dark}"/><path d="M148 288h104l12 34H136z" fill="${inks.main}"/>`

const bell: Motif = inks =>
  `<path d="M176 88h48v22h-48z" fill="${inks.dark}"/><path d="M200 102c50 0 62 46 66 96 2 34 12 52 34 66v16H100v-16c22-14 32-32 34-66 4-50 16-96 66-96z" fill="${inks.trim}"/><path d="M166 122c-18 30-16 92-26 124" stroke="#fff" stroke-width="10" stroke-linecap="round" opacity=".45" fill="none"/><path d="M100 264h200v16H100z" fill="${inks.dark}" opacity=".55"/><circle cx="200" cy="300" r="17" fill="${inks.dark}"/>${rope('M200 312V350', 10, { ...inks, main: '#e4d3ad', dark: '#856a3f', light: '#fff8e7' })}`

const cap: Motif = inks =>
  `<path d="M108 244c0-78 36-128 92-128s92 50 92 128z" fill="${inks.main}"/>${[0, 1, 2, 3, 4, 5, 6]
    .map(
      at =>
        `<path d="M${128 + at * 24} 240C${128 + at * 24} 190 ${164 + at * 12} 140 ${182 + at * 6} 120" fill="none" stroke="${inks.dark}" stroke-opacity=".5" stroke-width="4"/>`,
    )
    .join(
      '',
    )}<rect x="96" y="232" width="208" height="60" rx="22" fill="${inks.main}"/><rect x="96" y="232" width="208" height="60" rx="22" fill="${inks.light}" opacity=".28"/>${[
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ]
    .map(
      at =>
        `<path d="M${112 + at * 22} 240v44" stroke="${inks.dark}" stroke-opacity=".5" stroke-width="4" stroke-linecap="round"/>`,
    )
    .join('')}<rect x="228" y="250" width="30" height="24" rx="3" fill="${inks.trim}"/>`

const jacket: Motif = inks =>
  `<path d="M160 84h80l62 34 32 120-44 14-18-62v142H128V190l-18 62-44-14 32-120z" fill="${inks.main}"/><path d="M200 96h40l62 34 32 108-44 14-18-62v142h-72z" fill="${inks.dark}" opacity=".22"/><path d="M160 84c6 28 22 42 40 42s34-14 40-42l-14-16h-52z" fill="${inks.dark}"/><path d="M200 126v206" stroke="${inks.dark}" stroke-width="5"/><g fill="${inks.trim}">${[0, 1, 2, 3].map(at => `<rect x="190" y="${150 + at * 44}" width="20" height="12" rx="3"/>`).join('')}</g><path d="M142 250h38v40h-38zM220 250h38v40h-38z" fill="none" stroke="${inks.dark}" stroke-width="5" stroke-linejoin="round"/><path d="M128 310h144" stroke="${inks.light}" stroke-width="5" opacity=".7"/>`

const dittyBag: Motif = inks =>
  `<path d="M140 150c-24 60-34 110-28 150 4 24 30 34 88 34s84-10 88-34c6-40-4-90-28-150z" fill="${inks.main}"/><path d="M200 150h60c24 60 34 110 28 150-4 24-30 34-88 34z" fill="${inks.dark}" opacity=".18"/><path d="M126 112c20 16 40 22 74 22s54-6 74-22l-14 44c-20 12-36 14-60 14s-40-2-60-14z" fill="${inks.light}"/>${rope('M134 152C160 170 240 170 266 152', 11, { ...inks, main: '#e4d3ad', dark: '#856a3f', light: '#fff8e7' })}${rope('M262 154C300 170 296 220 306 250', 9, { ...inks, main: '#e4d3ad', dark: '#856a3f', light: '#fff8e7' })}<path d="M200 214l12 26 28 3-21 19 6 28-25-14-25 14 6-28-21-19 28-3z" fill="${inks.trim}"/>`

const holdall: Motif = inks =>
  `${rope('M146 190C146 84 254 84 254 190', 13, { ...inks, main: '#e4d3ad', dark: '#856a3f', light: '#fff8e7' })}<rect x="70" y="170" width="260" height="138" rx="54" fill="${inks.main}"/><path d="M200 170h76a54 54 0 0 1 54 54v30a54 54 0 0 1-54 54h-76z" fill="${inks.dark}" opacity=".16"/><path d="M84 204h232" stroke="${inks.dark}" stroke-width="6" stroke-dasharray="12 5"/><path d="M146 176v132M254 176v132" stroke="${inks.trim}" stroke-width="15"/><text x="200" y="276" font-family="Georgia,serif" font-size="40" text-anchor="middle" fill="${inks.dark}">47</text>`

const chart: Motif = inks =>
  `<g transform="rotate(-4 200 200)"><rect x="88" y="84" width="224" height="232" fill="#f7f0dd"/><path d="M88 84h224v96c-40 6-56 40-96 34s-50-58-128-30z" fill="${inks.main}" opacity=".28"/><path d="M88 214c60-36 96 30 136 22s48-40 88-42M88 244c60-34 100 28 142 20s46-36 82-40M88 274c56-28 104 22 146 16s44-30 78-34" fill="none" stroke="${inks.main}" stroke-width="3" opacity=".75"/><path d="M120 300L260 130" stroke="${inks.trim}" stroke-width="3" stroke-dasharray="8 6"/><g transform="translate(258 130)"><circle r="22" fill="none" stroke="${inks.dark}" stroke-width="3"/><path d="M0 -30L6 0 0 30 -6 0z" fill="${inks.trim}"/><path d="M-30 0L0 -6 30 0 0 6z" fill="${inks.dark}"/></g><rect x="88" y="84" width="224" height="232" fill="none" stroke="${inks.dark}" stroke-width="6"/></g>`

const calendar: Motif = inks =>
  `<rect x="100" y="92" width="200" height="226" rx="8" fill="#fbf6e9"/><path d="M100 100a8 8 0 0 1 8-8h184a8 8 0 0 1 8 8v52H100z" fill="${inks.main}"/><g fill="${inks.dark}"><rect x="136" y="76" width="12" height="36" rx="6"/><rect x="252" y="76" width="12" height="36" rx="6"/></g><path d="M118 236c14-40 28-40 42 0s28 40 42 0 28-40 42 0 28 40 40 6" fill="none" stroke="${inks.main}" stroke-width="7" stroke-linecap="round"/><path d="M118 282h164" stroke="${inks.dark}" stroke-width="3" stroke-dasharray="3 9"/><circle cx="262" cy="186" r="15" fill="${inks.trim}"/><circle cx="269" cy="181" r="13" fill="#fbf6e9"/>`

const book: Motif = inks =>
  `<rect x="112" y="82" width="188" height="244" rx="10" fill="${inks.dark}"/><rect x="120" y="82" width="180" height="236" rx="8" fill="${inks.main}"/><path d="M140 82v236" stroke="${inks.dark}" stroke-width="5" opacity=".5"/><rect x="172" y="126" width="100" height="66" rx="4" fill="#f7f0dd"/><path d="M186 150h72M186 168h48" stroke="${inks.dark}" stroke-width="5" stroke-linecap="round"/><path d="M268 82h14v270l-7-12-7 12z" fill="${inks.trim}"/><path d="M222 238v52m-24-20c4 16 14 22 24 22s20-6 24-22m-36-26h24" fill="none" stroke="${inks.trim}" stroke-width="7" stroke-linecap="round"/><circle cx="222" cy="232" r="8" fill="none" stroke="${inks.trim}" stroke-width="6"/>`

const mug: Motif = inks =>
  `<path d="M254 168h34c30 0 30 88-8 88h-30" fill="none" stroke="${inks.main}" stroke-width="20"/><path d="M116 122h148l-8 176c-1 14-12 20-26 20h-80c-14 0-25-6-26-20z" fill="${inks.main}"/><path d="M204 122h60l-8 176c-1 14-12 20-26 20h-26z" fill="${inks.dark}" opacity=".14"/><ellipse cx="190" cy="122" rx="74" ry="15" fill="${inks.light}"/><ellipse cx="190" cy="124" rx="62" ry="10" fill="#4a2f20"/><path d="M116 122a74 15 0 0 0 148 0" fill="none" stroke="${inks.trim}" stroke-width="7"/><path d="M160 222c10-12 20-12 30 0s20 12 30 0" fill="none" stroke="${inks.trim}" stroke-width="6" stroke-linecap="round"/><path d="M166 92c-12-18 12-26 0-46M206 92c-12-18 12-26 0-46" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".7"/>`

const tin: Motif = inks =>
  `<ellipse cx="200" cy="300" rx="98" ry="26" fill="${inks.dark}"/><path d="M102 150h196v150a98 26 0 0 1-196 0z" fill="${inks.main}"/><path d="M200 176a98 26 0 0 0 98-26v150a98 26 0 0 1-98 26z" fill="${inks.dark}" opacity=".22"/><path d="M96 128h208v24a104 27 0 0 1-208 0z" fill="${inks.trim}"/><ellipse cx="200" cy="128" rx="104" ry="27" fill="${inks.light}"/><circle cx="200" cy="246" r="42" fill="#f3e2b8"/><g fill="#b98d4b">${[
    0, 1, 2, 3, 4, 5, 6, 7,
  ]
    .map(
      at =>
        `<circle cx="${round(200 + 26 * Math.cos(at * 0.785))}" cy="${round(246 + 26 * Math.sin(at * 0.785))}" r="4"/>`,
    )
    .join('')}<circle cx="200" cy="246" r="4"/></g>`

const compassRose: Motif = inks => {
  const point = (turn: number, length: number, fill: string, shade: string) =>
    `<g transform="rotate(${turn} 200 200)"><path d="M200 ${200 - length}L218 182 200 200z" fill="${shade}"/><path d="M200 ${200 - length}L182 182 200 200z" fill="${fill}"/></g>`
  const points = [45, 135, 225, 315].map(turn => point(turn, 88, inks.trim, inks.dark))
  const main = [0, 90, 180, 270].map(turn => point(turn, 134, inks.light, inks.main))
  return `<circle cx="200" cy="200" r="118" fill="none" stroke="${inks.dark}" stroke-width="4"/><circle cx="200" cy="200" r="104" fill="none" stroke="${inks.dark}" stroke-width="2" stroke-dasharray="2 8"/>${points.join('')}${main.join('')}<circle cx="200" cy="200" r="9" fill="${inks.trim}"/>`
}

/** The first word that a handle contains decides; more particular words come first. */
const motifs: readonly (readonly [word: string, motif: Motif])[] = [
  ['bell-rope', bellRope],
  ['monkey-fist', monkeyFist],
  ['turks-head', turksHead],
  ['knot-board', board],
  ['knots', book],
  ['marline', hank],
  ['practice-rope', trefoil],
  ['twine', spool],
  ['line', coil],
  ['rope', coil],
  ['knot', trefoil],
  ['knife', knife],
  ['fid', fid],
  ['palm', palm],
  ['cleat', cleat],
  ['block', block],
  ['shackle', shackle],
  ['lantern', lantern],
  ['bell', bell],
  ['cap', cap],
  ['jacket', jacket],
  ['ditty', dittyBag],
  ['holdall', holdall],
  ['chart', chart],
  ['calendar', calendar],
  ['tide', calendar],
  ['book', book],
  ['mug', mug],
  ['tin', tin],
]

/** What to draw for a product; a compass rose where nothing in its handle tells. */
export function motifOf(handle: string): Motif {
  return motifs.find(([word]) => handle.includes(word))?.[1] ?? compassRose
}
