/** The library's own pipeline, to compare with: its inference and its pooling, on the ONNX runtime that this project pins. */

import { basename, dirname } from 'node:path';
import { env, pipeline } from '@xenova/transformers';
import ort from 'onnxruntime-node';

export type Extract = (
  text: string,
  options: { pooling: 'none' | 'mean' | 'cls'; normalize: boolean },
) => Promise<{ data: Float32Array; dims: number[] }>;

/**
 * @xenova/transformers 2.17.2 copies a tensor's own properties; runtimes later than the 1.14 that it was made for keep
 * `data` and `location` on the prototype, where it does not find them. Here they become own properties again.
 */
function keepOwnProperties(): void {
  const prototype = ort.Tensor.prototype;
  const own = (tensor: object, name: string, value: unknown): void =>
    void Object.defineProperty(tensor, name, { value, enumerable: true, writable: true, configurable: true });
  Object.defineProperty(prototype, 'cpuData', {
    configurable: true,
    get: () => undefined,
    set(this: object, data: unknown) {
      own(this, 'cpuData', data);
      own(this, 'location', 'cpu');
      // Other tests of this process may exchange the one behind it.
      Object.defineProperty(this, 'data', {
        get(this: { cpuData: unknown }) {
          return this.cpuData;
        },
        enumerable: true,
        configurable: true,
      });
    },
  });
}

/** The library says nothing of threads, and those of the runtime's choice spin while they wait: costly on a busy machine. */
function useOneThread(): void {
  const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
    model: Uint8Array,
    options?: ort.InferenceSession.SessionOptions,
  ) => Promise<ort.InferenceSession>;
  Object.assign(ort.InferenceSession, {
    create: (model: Uint8Array, options?: ort.InferenceSession.SessionOptions) =>
      create(model, { ...options, intraOpNumThreads: 1 }),
  });
}

let prepared = false;

/** `folder` is the model's own. */
export async function libraryPipeline(folder: string, quantized: boolean): Promise<Extract> {
  if (!prepared) {
    keepOwnProperties();
    useOneThread();
  }
  prepared = true;
  env.localModelPath = dirname(folder);
  env.allowRemoteModels = false;
  return (await pipeline('feature-extraction', basename(folder), { quantized })) as unknown as Extract;
}
