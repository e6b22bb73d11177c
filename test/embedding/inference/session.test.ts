/** Graphs that the runtime has trouble with. */

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRuntime, type Runtime } from '../../../src/embedding/inference/onnx-runtime.ts';
import { openSession } from '../../../src/embedding/inference/session.ts';
import { UnusableModel } from '../../../src/embedding/inference/unusable.ts';
import { graphFile } from '../../../src/embedding/model-files/dtype.ts';
import { modelFile, node } from '../../../src/onnx/write.ts';

describe('a session', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-session-'));
    await mkdir(join(folder, 'onnx'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const request = (): Parameters<typeof openSession>[1] => ({ folder, dtype: 'q4f16', intraOpThreads: 1 });

  /** Of which each level but the last ones fails so. */
  function failing(messages: readonly string[]): { runtime: Runtime; levels: unknown[] } {
    const levels: unknown[] = [];
    const create = (_: string, options: { graphOptimizationLevel: string }): Promise<unknown> => {
      levels.push(options.graphOptimizationLevel);
      const message = messages[levels.length - 1];
      return message === undefined ? Promise.resolve('session') : Promise.reject(new Error(message));
    };
    return { runtime: { InferenceSession: { create } } as unknown as Runtime, levels };
  }
  const OPTIMISING =
    'Exception during initialization: graph_utils.cc:29 GetIndexFromName: Attempting to get index by a name which does not exist:InsertedPrecisionFreeCast_Constant_output_0';

  it('of a graph that the runtime cannot optimise is opened with less of it', async () => {
    const once = failing([OPTIMISING]);
    expect(await openSession(once.runtime, request())).toBe('session');
    expect(once.levels).toEqual(['all', 'basic']);
    const never = failing([OPTIMISING, 'the second', 'the third']);
    await expect(openSession(never.runtime, request())).rejects.toThrow('InsertedPrecisionFreeCast');
    expect(never.levels).toEqual(['all', 'basic']);
  });

  it('of a damaged graph is tried once', async () => {
    const damaged = failing(['Load model failed:Protobuf parsing failed.', 'again']);
    await expect(openSession(damaged.runtime, request())).rejects.toThrow('Protobuf parsing');
    expect(damaged.levels).toEqual(['all']);
  });

  it('of a graph that is for other hardware says which operator, which precision, and what to take', async () => {
    const shape = ['batch', 4];
    const graph = modelFile(
      {
        name: 'g',
        inputs: [{ name: 'input_ids', element: 'int64', shape }],
        outputs: [{ name: 'last_hidden_state', element: 'float16', shape: ['batch', 4] }],
        nodes: [
          node({ operator: 'Cast', inputs: ['input_ids'], outputs: ['halves'], attributes: { to: 10 } }),
          node({
            operator: 'GemmFastGelu',
            inputs: ['halves', 'halves'],
            outputs: ['last_hidden_state'],
            domain: 'com.microsoft',
          }),
        ],
        tensors: [],
      },
      { '': 17, 'com.microsoft': 1 },
    );
    await writeFile(join(folder, graphFile('q4f16')), graph);
    const refusal = async (): Promise<UnusableModel> => {
      const error: unknown = await openSession(await loadRuntime(), request()).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(UnusableModel);
      return error as UnusableModel;
    };
    const { message, remedy } = await refusal();
    expect(message).toContain('onnx/model_q4f16.onnx (model.dtype q4f16)');
    expect(message).toContain('no com.microsoft.GemmFastGelu');
    expect(remedy).toContain('model fetch');
    for (const dtype of ['fp32', 'q8'] as const) await writeFile(join(folder, graphFile(dtype)), '');
    expect((await refusal()).remedy).toContain('in the folder: fp32, q8');
  });
});
