/** `npm run docs`: writes the pages that are generated from the code. */
import { writeFileSync } from 'node:fs'
import { errorMarkdown } from './error-reference.ts'

writeFileSync(new URL('../docs/errors.md', import.meta.url), errorMarkdown())
