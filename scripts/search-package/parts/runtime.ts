/** The native ONNX runtime: the one that comes with the small package, else that of the large one. */

import { createRequire } from 'node:module';
import type { Runtime } from '../../../src/embedding/runtime.ts';

export type { Runtime } from '../../../src/embedding/runtime.ts';

const load = createRequire(__filename);

export const loadRuntime = (): Promise<Runtime> =>
  Promise.resolve().then(() => load(hasOwn() ? './native.cjs' : 'onnxruntime-node') as Runtime);

function hasOwn(): boolean {
  try {
    load.resolve('./native.cjs');
    return true;
  } catch {
    return false;
  }
}
