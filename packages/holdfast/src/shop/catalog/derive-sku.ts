/** SKUs for imported variants without one. The same file gives the same SKUs, and no two variants share a SKU. */

const lengthMax = 200

/** Upper-case letters and digits of any script, joined by hyphens: "Clay pot, Größe L" becomes `CLAY-POT-GROSSE-L`. */
export function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
}

/** For example `CLAY-PLANT-POT-LARGE`, from handle and option values; with `-2`, `-3`, … while `isTaken` returns true. */
export function deriveSku(handle: string, optionValues: readonly string[], isTaken: (sku: string) => boolean): string {
  const base = (
    [handle, ...optionValues]
      .map(slug)
      .filter(part => part !== '')
      .join('-') || 'ITEM'
  ).slice(0, lengthMax)
  let sku = base
  for (let number = 2; isTaken(sku); number += 1) sku = `${base}-${number}`
  return sku
}
