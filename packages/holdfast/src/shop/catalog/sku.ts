/** SKUs for variants whose file gives none: the same file gives the same SKUs, and no two variants share one. */

const lengthMax = 200

/** Upper case, letters and digits of any script, joined by hyphens: "Clay pot, Größe L" is `CLAY-POT-GROSSE-L`. */
export function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
}

/** `CLAY-PLANT-POT-LARGE` from handle and option values; `-2`, `-3` … while `isTaken` says so. */
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
