/** Where this file lies, as CommonJS. */

import { createRequire } from 'node:module';
import { join } from 'node:path';

export const place = {
  ownFile: (): string => __filename,
  besideIt: (): string => join(__dirname, 'inference.cjs'),
  /** @throws Error where there is none */
  resolve: (name: string, from: string): string => createRequire(from).resolve(name),
  /** Never called, and could not be: of all forms of a `require`, file tracers follow this one and bundlers do not. */
  traced(): void {
    const load = (module as unknown as typeof import('node:module')).createRequire(__filename);
    load('./inference.cjs');
  },
};
