/** Pictures of the demonstration's products, drawn from their handles: the same handle gives the same picture. */
import { type Inks, motifOf } from './motifs.ts'

interface Scene {
  sky: string
  haze: string
  sun: string
  sea: string
  inks: Inks
}

const scenes: readonly Scene[] = [
  {
    sky: '#f3ead7',
    haze: '#dfe7e2',
    sun: '#f0c98b',
    sea: '#7ea3a6',
    inks: inksOf('#c9a66b', '#6e5230', '#f3dfb4', '#b4532a'),
  },
  {
    sky: '#dbe7ea',
    haze: '#f1eee3',
    sun: '#f7f2e2',
    sea: '#5d8a9a',
    inks: inksOf('#d2b27c', '#6b5231', '#f7e6c1', '#16324f'),
  },
  {
    sky: '#f0dccb',
    haze: '#f6efe2',
    sun: '#e79a6a',
    sea: '#8197a0',
    inks: inksOf('#b98d55', '#5a3f22', '#ecd2a2', '#1f5c66'),
  },
  {
    sky: '#d9e4d8',
    haze: '#f2efdf',
    sun: '#f2dd9f',
    sea: '#6f9a8d',
    inks: inksOf('#c7a468', '#5f4a2c', '#f4e3bc', '#8a4b2d'),
  },
  {
    sky: '#cfdbe4',
    haze: '#ece9e2',
    sun: '#e9c7a2',
    sea: '#4f7388',
    inks: inksOf('#cdae7c', '#65502f', '#f5e4c0', '#c63d2f'),
  },
]

/** What a product is made of where it is not rope. */
const materials: readonly (readonly [word: string, inks: Inks])[] = [
  ['bronze', inksOf('#a9713a', '#4f331a', '#e0b377', '#b27b3f')],
  ['brass', inksOf('#3d5566', '#22313d', '#9db2bf', '#c99a3b')],
  ['bell-rope', inksOf('#efe6d2', '#8f7a55', '#ffffff', '#c99a3b')],
  ['bell', inksOf('#c99a3b', '#6b4a17', '#f4d891', '#c99a3b')],
  ['lantern', inksOf('#1f5c66', '#143c44', '#7fb2b8', '#c99a3b')],
  ['wooden', inksOf('#9c6b3f', '#4d321c', '#d6aa76', '#c99a3b')],
  ['knife', inksOf('#7a4a2b', '#3f2515', '#c08b5f', '#c99a3b')],
  ['fid', inksOf('#b98550', '#5b3c1f', '#ecc994', '#c99a3b')],
  ['palm', inksOf('#a8683c', '#53301a', '#e0a878', '#c9c4b4')],
  ['board', inksOf('#6b4a2f', '#3d2918', '#b08a61', '#234b63')],
  ['marline', inksOf('#4a3a2c', '#1f1811', '#8c7459', '#b4532a')],
  ['jacket', inksOf('#e3b23c', '#6d5114', '#f7de96', '#2b2f36')],
  ['cap', inksOf('#24466b', '#13263c', '#6f93b8', '#e9dcc3')],
  ['ditty', inksOf('#d8cbb0', '#7f6f52', '#f1e8d4', '#b4532a')],
  ['holdall', inksOf('#efe9dc', '#5d6a72', '#ffffff', '#16324f')],
  ['chart', inksOf('#2d6a7c', '#16324f', '#8fbcc6', '#c63d2f')],
  ['tide', inksOf('#1f5c66', '#16324f', '#8fbcc6', '#e79a3c')],
  ['logbook', inksOf('#16324f', '#0c1d2f', '#5e83a8', '#c99a3b')],
  ['knots', inksOf('#8a3324', '#4c190f', '#d08a78', '#e7c476')],
  ['mug', inksOf('#f4f0e6', '#66727a', '#ffffff', '#24466b')],
  ['tin', inksOf('#b23a2e', '#5d1812', '#e7a99f', '#c99a3b')],
]

/** Colours a variant can be asked for in: `braided-dock-line--navy`. */
const colours: Readonly<Record<string, Inks>> = {
  navy: inksOf('#24466b', '#13263c', '#7c9dc0', '#c99a3b'),
  'signal-red': inksOf('#c63d2f', '#6b1a12', '#f0a095', '#f4efe4'),
  red: inksOf('#c63d2f', '#6b1a12', '#f0a095', '#8b6a3c'),
  sand: inksOf('#d9c297', '#7f6740', '#f8ebcb', '#1f5c66'),
  natural: inksOf('#e4d3ad', '#8a6f45', '#fff6df', '#8b6a3c'),
  oatmeal: inksOf('#ddd0b8', '#85765a', '#f8f0df', '#24466b'),
  moss: inksOf('#66774b', '#343f24', '#aab98d', '#e9dcc3'),
  yellow: inksOf('#e3b23c', '#6d5114', '#f7de96', '#2b2f36'),
  black: inksOf('#3a3f47', '#15181c', '#828a95', '#c99a3b'),
  white: inksOf('#f4f0e6', '#66727a', '#ffffff', '#24466b'),
  rust: inksOf('#b4532a', '#5c2611', '#e7a07c', '#f4efe4'),
}

function inksOf(main: string, dark: string, light: string, trim: string): Inks {
  return { main, dark, light, trim }
}

/** FNV-1a, to choose by a text. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}

function wave(y: number, phase: number, color: string, opacity: number): string {
  const crests = Array.from({ length: 7 }, (_, at) => `q50 ${at % 2 === 0 ? -14 : 14} 100 0`).join('')
  return `<path d="M${phase - 150} ${y}${crests}V400H-250z" fill="${color}" opacity="${opacity}"/>`
}

/**
 * An SVG document for a product handle, and with `--colour` behind it, for a variant of that colour. Any text gives a
 * picture, and nothing of the text gets into it.
 */
export function demoImage(name: string): string {
  const [handle = '', colour = ''] = name.split('--')
  const seed = hash(handle)
  const scene = scenes[seed % scenes.length] ?? (scenes[0] as Scene)
  const material = materials.find(([word]) => handle.includes(word))?.[1]
  const inks = (Object.hasOwn(colours, colour) ? colours[colour] : undefined) ?? material ?? scene.inks
  const sunX = 90 + ((seed >>> 8) % 220)
  const sunY = 84 + ((seed >>> 16) % 60)
  const phase = (seed >>> 4) % 100
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="800" height="800">',
    `<defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${scene.sky}"/><stop offset="1" stop-color="${scene.haze}"/></linearGradient></defs>`,
    '<rect width="400" height="400" fill="url(#s)"/>',
    `<circle cx="${sunX}" cy="${sunY}" r="58" fill="${scene.sun}" opacity=".55"/>`,
    wave(316, -phase, scene.sea, 0.28),
    wave(344, phase - 60, scene.sea, 0.4),
    wave(372, -phase / 2, scene.sea, 0.55),
    '<ellipse cx="200" cy="344" rx="118" ry="12" fill="#16324f" opacity=".16"/>',
    motifOf(handle)(inks),
    '</svg>',
  ].join('')
}
