/** The text on one line, without control and bidirectional characters: for headers, and for texts that buyers wrote. */
export function singleLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()
}
