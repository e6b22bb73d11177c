/** Where this file lies, as an ES module. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const place = {
  /** Also where a bundler made CommonJS of it: there `import.meta.url` is undefined. */
  ownFile: (): string => (typeof __filename === 'string' ? __filename : fileURLToPath(import.meta.url)),
  /** @throws TypeError in such a bundle */
  besideIt: (): string => fileURLToPath(new URL('./inference.cjs', import.meta.url)),
  /** @throws Error where there is none */
  resolve: (name: string, from: string): string => createRequire(from).resolve(name),
  /** Never called: file tracers follow a `require` of this form, and a bundler does not. */
  traced(): void {
    const load = createRequire(import.meta.url);
    load('./inference.cjs');
  },
};
