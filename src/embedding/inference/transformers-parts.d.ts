/** Files of the library that have no types under their own names. */

declare module '@xenova/transformers/src/configs.js' {
  export { AutoConfig } from '@xenova/transformers';
}
declare module '@xenova/transformers/src/env.js' {
  export { env } from '@xenova/transformers';
}
