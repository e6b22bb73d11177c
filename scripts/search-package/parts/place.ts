/** Where this file lies, as an ES module. */

import { fileURLToPath } from 'node:url';

/** Also where a bundler made CommonJS of it: there `import.meta.url` is undefined. */
export const ownFile = (): string =>
  typeof __filename === 'string' ? __filename : fileURLToPath(import.meta.url);

/** In one expression, so that a file tracer sees it. @throws TypeError in a bundle of CommonJS */
export const besideIt = (): string => fileURLToPath(new URL('./inference.cjs', import.meta.url));
