import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto from 'onnx-proto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { externalData } from '../../../src/embedding/model-files/external-data.ts';
import {
  assertModelFiles,
  assertPinnedFiles,
  modelChecksum,
  modelFileFacts,
  modelFingerprint,
} from '../../../src/embedding/model-files/files.ts';
import { modelFile, tensor, type Node, type Tensor } from '../../../src/onnx/write.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-external-'));
  await cp(join(sampleModel().localPath, 'sample'), join(folder, 'sample'), { recursive: true });
  await mkdir(join(folder, 'sample', 'onnx'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

/** Where the data are. */
const external = (path: string): Tensor => ({
  name: 'weights',
  externalData: [
    { key: 'location', value: path },
    { key: 'offset', value: '0' },
  ],
  dataLocation: proto.onnx.TensorProto.DataLocation.EXTERNAL,
});
const inline = tensor('inline', 'float', [40_000], new Float32Array(40_000));
const graphOf = (nodes: Node[], tensors: Tensor[]): Buffer =>
  modelFile({ name: 'g', inputs: [], outputs: [], nodes, tensors }, { '': 17 });
const write = async (graph: Buffer): Promise<string> => {
  const path = join(folder, 'sample', 'onnx', 'model.onnx');
  await writeFile(path, graph);
  return path;
};

it('finds weights of initializers, of constants, and of graphs within a node', async () => {
  const constant = { attribute: [{ t: external('constant.bin') }] };
  const branch = { attribute: [{ g: { initializer: [external('sub/branch.bin')] } }] };
  const graph = graphOf(
    [constant, branch],
    [inline, external('model.onnx_data'), inline, external('model.onnx_data')],
  );
  expect(externalData(await write(graph))).toEqual(['constant.bin', 'model.onnx_data', 'sub/branch.bin']);
  expect(externalData(await write(graphOf([], [inline])))).toEqual([]);
});

it.each(['../secret.bin', '/etc/passwd', 'a/../../b', '..\\b', ''])(
  'refuses %j, outside of the folder',
  async (path) => {
    const graph = await write(graphOf([], [external(path)]));
    expect(() => externalData(graph)).toThrow(expect.objectContaining({ code: 'MODEL_GRAPH' }) as Error);
  },
);

it('they are of the checksum, of the fingerprint, and missed where they are missing', async () => {
  const model = { name: 'sample', localPath: folder };
  // Of a large model there are several.
  const names = ['model.onnx_data', 'model.onnx_data_1'];
  const paths = names.map((name) => join(folder, 'sample', 'onnx', name));
  const options = modelOptionsOf(model);
  await write(
    graphOf(
      [],
      names.flatMap((name) => [inline, external(name)]),
    ),
  );
  await expect(assertModelFiles(options)).rejects.toMatchObject({
    message: expect.stringContaining(
      'onnx/model.onnx_data (missing), onnx/model.onnx_data_1 (missing)',
    ) as string,
  });
  for (const path of paths) await writeFile(path, 'weights');
  await assertModelFiles(options);
  const before = await modelFingerprint(options);
  const pinned = { ...options, checksum: modelChecksum(await modelFileFacts(options)) };
  await assertPinnedFiles(pinned);
  for (const path of paths) {
    await writeFile(path, 'weightz');
    expect(await modelFingerprint(options)).not.toBe(before);
    await expect(assertPinnedFiles(pinned)).rejects.toMatchObject({ code: 'MODEL_CHECKSUM' });
    await writeFile(path, 'weights');
  }
  expect(await modelFingerprint(options)).toBe(before);
});
