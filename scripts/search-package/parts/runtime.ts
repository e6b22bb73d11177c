/** The native ONNX runtime: the one that comes with the small package, else that of the large one. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from '../../../src/embedding/inference/onnx-runtime.ts';

export type { Runtime } from '../../../src/embedding/inference/onnx-runtime.ts';

/** Of this module's own `require`, which a file tracer follows and a bundler leaves alone. */
export const loadRuntime = (): Promise<Runtime> =>
  Promise.resolve().then(
    () =>
      (existsSync(join(__dirname, 'native.cjs'))
        ? module.require('./native.cjs')
        : module.require('onnxruntime-node')) as Runtime,
  );
