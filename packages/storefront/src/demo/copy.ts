/** The voice of the demo store: texts of a small harbour shop, only for `holdfast serve --demo`. */
import type { CopyOverrides } from '../copy/copy.ts'

export const demoCopy: CopyOverrides = {
  layout: { footer: 'Made fast at the old ropewalk. Nothing here is for sale.' },
  home: {
    title: 'Goods that hold fast',
    headline: 'Goods that hold fast.',
    tagline: 'Small harbour shop, short shelves. What is in stock ships today.',
  },
}
