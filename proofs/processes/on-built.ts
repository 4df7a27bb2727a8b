/** A preload script: a program that imports the sources of packages runs on their build in `dist` instead. */
import { register } from 'node:module'

const hook = `export async function resolve(name, context, next) {
  const found = await next(name, context)
  const [, root, file] = /^(.+[/]packages[/][^/]+[/])src[/](.+)[.]ts$/.exec(found.url) ?? []
  return file === undefined ? found : { ...found, url: root + 'dist/' + file + '.js' }
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
