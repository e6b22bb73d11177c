/** Graphs of each precision from a hub. */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import proto from 'onnx-proto';
import { DTYPES, type Dtype } from '../../../src/config/values/dtype.ts';
import { fetchModel } from '../../../src/embedding/model-files/download.ts';
import { graphFile } from '../../../src/embedding/model-files/dtype.ts';
import { readManifest, type ModelOptions } from '../../../src/embedding/model-files/files.ts';
import { listModels } from '../../../src/embedding/model-files/list.ts';
import { openTransformersEmbedder } from '../../../src/embedding/local-embedder.ts';
import { modelFile } from '../../../src/onnx/write.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';
import { FakeHub } from './fake-hub.ts';

const NAME = 'org/small';
const GRAPH = 'onnx/model.onnx';

describe('graphs of a precision from a hub', () => {
  const model = sampleModel();
  const fetching = { env: {} };
  let hub: FakeHub;
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-hub-'));
  });
  afterEach(async () => {
    await hub.stop();
    await rm(root, { recursive: true });
  });

  const graphs = (): string[] => hub.asked.map(({ path }) => path).filter((path) => path.startsWith('onnx/'));
  /** A hub that has these graphs and no others. */
  async function withGraphs(
    dtypes: readonly Dtype[],
    work: (own: ModelOptions) => Promise<void>,
  ): Promise<void> {
    const folder = join(root, 'hub');
    await cp(join(model.localPath, model.name), folder, { recursive: true });
    const graph = await readFile(join(folder, GRAPH));
    await rm(join(folder, 'onnx'), { recursive: true });
    await mkdir(join(folder, 'onnx'));
    for (const dtype of dtypes) await writeFile(join(folder, graphFile(dtype)), graph);
    hub = await FakeHub.start(folder, NAME);
    await work({ ...modelOptionsOf({ name: NAME, localPath: root }), hub: hub.origin });
  }

  it('are those of that one, each beside the others', () =>
    withGraphs(DTYPES, async (own) => {
      // Where there is one of 8 bits under the older name, that is int8.
      const order = ['int8', ...DTYPES.filter((dtype) => dtype !== 'int8')] as const;
      for (const dtype of order) {
        const { files, dtype: fetched } = await fetchModel({ ...own, dtype }, fetching);
        expect(fetched).toBe(dtype);
        expect(files.map(({ path }) => path)).toContain(graphFile(dtype));
      }
      expect(graphs()).toEqual(order.map((dtype) => graphFile(dtype)));
      expect(await listModels(root)).toMatchObject([{ dtypes: DTYPES }, { name: NAME, dtypes: DTYPES }]);
    }));

  it('of another revision replace those of every precision', () =>
    withGraphs(['fp32', 'q8'], async (own) => {
      for (const dtype of ['fp32', 'q8'] as const) await fetchModel({ ...own, dtype }, fetching);
      await fetchModel({ ...own, dtype: 'q8', revision: 'v2' }, fetching);
      const [, listed] = await listModels(root);
      expect(listed).toMatchObject({ dtypes: ['q8'], revision: 'v2' });
      expect((await readManifest(join(root, NAME)))?.files).not.toHaveProperty([GRAPH]);
    }));

  it('auto: nothing where a graph is there, and otherwise q8', () =>
    withGraphs(['fp32', 'q8'], async (own) => {
      await fetchModel({ ...own, dtype: 'fp32' }, fetching);
      expect(await fetchModel({ ...own, dtype: 'auto' }, fetching)).toMatchObject({ dtype: 'fp32' });
      expect(graphs()).toEqual([GRAPH]);
      await rm(join(root, NAME, GRAPH));
      expect(await fetchModel({ ...own, dtype: 'auto' }, fetching)).toMatchObject({ dtype: 'q8' });
    }));

  it('auto: fp32 of a model that the hub has no q8 of', () =>
    withGraphs(['fp16', 'fp32'], async (own) => {
      expect(await fetchModel({ ...own, dtype: 'auto' }, fetching)).toMatchObject({ dtype: 'fp32' });
      expect(graphs()).toEqual(['onnx/model_quantized.onnx', GRAPH]);
    }));

  it('int8: by its other name where the hub has only that; then they embed', () =>
    withGraphs(['fp32', 'q8'], async (own) => {
      const embedder = await openTransformersEmbedder({ ...own, dtype: 'int8', allowDownload: true }, 1);
      expect(embedder.precision).toBe('q8');
      await embedder.close();
      expect(graphs()).toEqual(['onnx/model_int8.onnx', 'onnx/model_quantized.onnx']);
    }));

  it('that the hub has not: says which, and which option', () =>
    withGraphs(['fp32', 'q8'], async (own) => {
      await expect(fetchModel({ ...own, dtype: 'q4' }, fetching)).rejects.toMatchObject({
        code: 'MODEL_NOT_ON_HUB',
        message: expect.stringMatching(
          /model_q4\.onnx is not there \(404\)\. There of this model: fp32, q8\.$/,
        ) as string,
        remedy: expect.stringContaining('model.dtype (--model-dtype') as string,
      });
    }));

  it('with the weights that are outside of the graph', () =>
    withGraphs(['fp16'], async (own) => {
      const folder = join(root, 'hub/onnx');
      const weights = {
        name: 'weights',
        externalData: [{ key: 'location', value: 'model_fp16.onnx_data' }],
        dataLocation: proto.onnx.TensorProto.DataLocation.EXTERNAL,
      };
      const graph = { name: 'g', inputs: [], outputs: [], nodes: [], tensors: [weights] };
      await writeFile(join(folder, 'model_fp16.onnx'), modelFile(graph, { '': 17 }));
      await writeFile(join(folder, 'model_fp16.onnx_data'), 'weights');
      const { files } = await fetchModel({ ...own, dtype: 'fp16' }, fetching);
      expect(files.map(({ path }) => path)).toContain('onnx/model_fp16.onnx_data');
      const [, listed] = await listModels(root);
      expect(listed?.bytes).toBe(
        files.reduce((sum, { path, bytes }) => sum + (path.startsWith('onnx/') ? bytes : 0), 0),
      );
    }));
});
