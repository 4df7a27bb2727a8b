/** Product files for tests: only the relevant columns are set. */
const columns = [
  'Handle',
  'Title',
  'Body (HTML)',
  'Vendor',
  'Type',
  'Tags',
  'Published',
  'Option1 Name',
  'Option1 Value',
  'Option2 Name',
  'Option2 Value',
  'Variant SKU',
  'Variant Grams',
  'Variant Inventory Tracker',
  'Variant Inventory Qty',
  'Variant Inventory Policy',
  'Variant Price',
  'Variant Compare At Price',
  'Variant Requires Shipping',
  'Variant Taxable',
  'Variant Barcode',
  'Image Src',
  'Image Position',
  'Image Alt Text',
  'Variant Image',
  'Status',
] as const

export type FileRow = Partial<Record<(typeof columns)[number], string>>

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

/** The text of a file with these rows, the first of them on line 2. */
export function fileOf(rows: readonly FileRow[]): string {
  const lines = [columns.join(','), ...rows.map(row => columns.map(column => quoted(row[column] ?? '')).join(','))]
  return `${lines.join('\n')}\n`
}

/** A product with one variant: 10 ropes in stock at 20.00. */
export function rope(more: FileRow = {}): FileRow {
  return {
    Handle: 'rope',
    Title: 'Rope',
    'Option1 Name': 'Title',
    'Option1 Value': 'Default Title',
    'Variant SKU': 'ROPE',
    'Variant Inventory Tracker': 'shopify',
    'Variant Inventory Qty': '10',
    'Variant Price': '20.00',
    ...more,
  }
}

/** Streams a text in chunks. */
export async function* streamOf(text: string | Uint8Array, chunkLength = 64): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let at = 0; at < bytes.length; at += chunkLength) yield bytes.subarray(at, at + chunkLength)
}
