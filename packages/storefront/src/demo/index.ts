/** The demo store: its catalog and its texts. */
export { demoCopy } from './copy.ts'
export { seedDemo } from './seed-demo.ts'
