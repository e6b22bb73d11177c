import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { externalData } from '../../../src/embedding/model-files/external-data.ts';
import {
  assertModelFiles,
  assertPinnedFiles,
  modelChecksum,
  modelFileFacts,
  modelFingerprint,
} from '../../../src/embedding/model-files/files.ts';
import {
  messageField,
  modelFile,
  numberField,
  tensor,
  textField,
  type Field,
} from '../../../src/onnx/write.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-external-'));
  await cp(join(sampleModel().localPath, 'sample'), join(folder, 'sample'), { recursive: true });
  await mkdir(join(folder, 'sample', 'onnx'), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

/** `StringStringEntryProto` of `TensorProto.external_data`, and where the data are. */
const external = (path: string, tag = 5): Field =>
  messageField(
    tag,
    textField(8, 'weights'),
    messageField(13, textField(1, 'location'), textField(2, path)),
    messageField(13, textField(1, 'offset'), textField(2, '0')),
    numberField(14, 1),
  );
const inline = tensor('inline', 'float', [40_000], new Float32Array(40_000));
const graphOf = (nodes: Field[], tensors: Field[]): Buffer =>
  modelFile({ name: 'g', inputs: [], outputs: [], nodes, tensors }, { '': 17 });
const write = async (graph: Buffer): Promise<string> => {
  const path = join(folder, 'sample', 'onnx', 'model.onnx');
  await writeFile(path, graph);
  return path;
};

it('finds weights of initializers, of constants, and of graphs within a node', async () => {
  const constant = messageField(1, messageField(5, external('constant.bin', 5)));
  const branch = messageField(1, messageField(5, messageField(6, external('sub/branch.bin'))));
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
  const data = join(folder, 'sample', 'onnx', 'model.onnx_data');
  const options = modelOptionsOf(model);
  await write(graphOf([], [inline, external('model.onnx_data')]));
  await expect(assertModelFiles(options)).rejects.toMatchObject({
    message: expect.stringContaining('onnx/model.onnx_data (missing)') as string,
  });
  await writeFile(data, 'weights');
  await assertModelFiles(options);
  const before = await modelFingerprint(options);
  const pinned = { ...options, checksum: modelChecksum(await modelFileFacts(options)) };
  await assertPinnedFiles(pinned);
  await writeFile(data, 'weightz');
  expect(await modelFingerprint(options)).not.toBe(before);
  await expect(assertPinnedFiles(pinned)).rejects.toMatchObject({ code: 'MODEL_CHECKSUM' });
});
