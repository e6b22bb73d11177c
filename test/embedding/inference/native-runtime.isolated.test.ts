/** The native runtime cannot be loaded: loud, and nothing slower is tried in its place. */

import { describe, expect, it, vi } from 'vitest';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import { locateModel } from '../../../src/embedding/model-files/files.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';

vi.mock('onnxruntime-node', () => {
  throw new Error('libonnxruntime.so.1: cannot open shared object file');
});

describe('without the native runtime', () => {
  const model = sampleModel();

  it('the engine does not start, and says what is missing', async () => {
    const options = modelOptionsOf(model);
    await expect(
      LocalModel.load({ type: 'load', options, location: locateModel(options), intraOpThreads: 1 }),
    ).rejects.toThrow(/native ONNX runtime \(onnxruntime-node\) cannot be loaded/);
  });
});
