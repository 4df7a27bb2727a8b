/** Preloaded before a program that was written beside the sources: it then runs on what `npm run build` made of them. */
import { register } from 'node:module'

const hook = `export async function resolve(name, context, next) {
  const found = await next(name, context)
  const [, root, file] = /^(.+[/]packages[/][^/]+[/])src[/](.+)[.]ts$/.exec(found.url) ?? []
  return file === undefined ? found : { ...found, url: root + 'dist/' + file + '.js' }
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
