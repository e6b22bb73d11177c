/** Where this file lies, as CommonJS. */

import { join } from 'node:path';

export const ownFile = (): string => __filename;

/** In one expression, so that a file tracer sees it. */
export const besideIt = (): string => join(__dirname, 'inference.cjs');
