/** Model files from a hub that does what hubs do on bad days. */

import { createServer } from 'node:http';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchModel, type FetchOptions } from '../../../src/embedding/model-files/download.ts';
import {
  assertPinnedFiles,
  MANIFEST,
  expectedFiles,
  modelChecksum,
  modelFileFacts,
  readManifest,
  type ModelOptions,
} from '../../../src/embedding/model-files/files.ts';
import { USAGE_FILES } from '../../../src/embedding/model-files/usage-files.ts';
import { openTransformersEmbedder } from '../../../src/embedding/local-embedder.ts';
import { modelOptionsOf, sampleModel } from '../../setup/model.ts';
import { COMMIT, FakeHub, serve, type Misbehaviour } from './fake-hub.ts';

const NAME = 'org/small';
const GRAPH = 'onnx/model.onnx';

describe('model files from a hub', () => {
  const model = sampleModel();
  let hub: FakeHub;
  let root: string;
  let options: ModelOptions;
  let waits: number[];
  let fetching: FetchOptions;
  beforeEach(async () => {
    hub = await FakeHub.start(join(model.localPath, model.name), NAME);
    root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-hub-'));
    options = { ...modelOptionsOf({ name: NAME, localPath: root }), hub: hub.origin };
    waits = [];
    fetching = {
      env: {},
      timing: {
        now: () => Date.now(),
        random: () => 0.5,
        sleep: async (ms) => {
          waits.push(ms);
        },
      },
    };
  });
  afterEach(async () => {
    await hub.stop();
    await rm(root, { recursive: true });
  });

  const original = (path: string): Promise<Buffer> => readFile(join(model.localPath, model.name, path));
  const required = (): typeof hub.asked => hub.asked.filter(({ path }) => !USAGE_FILES.includes(path));
  const onGraph =
    (bad: Misbehaviour): Misbehaviour =>
    (file, ...rest) =>
      file.path === GRAPH && bad(file, ...rest);
  const hangUpOnGraph = (path: string): void => void (path === GRAPH && hub.hangUp());
  async function expectWhole(): Promise<void> {
    for (const path of expectedFiles(options))
      expect((await readFile(join(root, NAME, path))).equals(await original(path))).toBe(true);
    const left = (await readdir(join(root, NAME), { recursive: true })).filter((name) =>
      /part|etag/.test(name),
    );
    expect(left).toEqual([]);
  }

  it('that cannot be written are said by folder, with the remedy, at the first try', async () => {
    const taken = join(root, 'taken');
    await writeFile(taken, '');
    for (const localPath of [taken, join(root, 'part')]) {
      // A file stands where a folder is wanted, whoever runs this: rights mean nothing to root.
      await mkdir(join(root, 'part', NAME), { recursive: true });
      await writeFile(join(root, 'part', NAME, 'onnx'), '');
      await expect(fetchModel({ ...options, localPath }, fetching)).rejects.toMatchObject({
        code: 'FOLDER_UNWRITABLE',
        message: expect.stringContaining(localPath) as string,
        remedy: expect.stringContaining('BACKFILL_MODEL_LOCAL_PATH') as string,
      });
    }
    expect(waits).toEqual([]);
  });

  it('bring those that say how it is used, layers behind the pooling too; what the hub has not is not asked for again', async () => {
    const folder = join(root, 'hub');
    await cp(join(model.localPath, model.name), folder, { recursive: true });
    const dense = [{ idx: 2, path: '2_Dense', type: 'sentence_transformers.models.Dense' }];
    await writeFile(join(folder, 'modules.json'), JSON.stringify(dense));
    await mkdir(join(folder, '2_Dense'));
    await writeFile(join(folder, '2_Dense', 'config.json'), '{}');
    await writeFile(join(folder, '2_Dense', 'model.safetensors'), 'layer');
    const full = await FakeHub.start(folder, NAME);
    try {
      const own = { ...options, hub: full.origin };
      const { files } = await fetchModel(own, fetching);
      expect(files.map(({ path }) => path)).toContain('2_Dense/model.safetensors');
      expect((await readManifest(join(root, NAME)))?.absent).toEqual([
        '1_Pooling/config.json',
        'sentence_bert_config.json',
        'config_sentence_transformers.json',
      ]);
      const before = full.asked.length;
      await fetchModel(own, fetching);
      expect(full.asked.length).toBe(before);
    } finally {
      await full.stop();
    }
  });

  it('are fetched once, checked, and written down; then they embed', async () => {
    const seen: [string, number, number | null][] = [];
    const notices: string[] = [];
    const result = await fetchModel(options, {
      ...fetching,
      notice: (line) => notices.push(line),
      onProgress: (...progress) => seen.push(progress),
    });
    await expectWhole();
    expect(result).toMatchObject({ name: NAME, folder: join(root, NAME), revision: 'main' });
    expect(result.files.map(({ path, fetched }) => [path, fetched])).toEqual(
      expectedFiles(options)
        .toSorted()
        .map((path) => [path, true]),
    );
    const { size } = await stat(join(root, NAME, GRAPH));
    expect(seen.at(-1)).toEqual([GRAPH, size, size]);
    expect(notices.join('\n')).toContain(`${hub.origin}/org/small/resolve/main/config.json`);
    // The commit that the first file came from is that of all.
    expect(required().map(({ revision }) => revision)).toEqual(['main', COMMIT, COMMIT, COMMIT]);
    expect(await readManifest(join(root, NAME))).toMatchObject({
      name: NAME,
      revision: 'main',
      commit: COMMIT,
    });
    expect(result.checksum).toBe(modelChecksum(await modelFileFacts(options)));

    const asked = hub.asked.length;
    const again = await fetchModel(options, fetching);
    expect(again.files.every(({ fetched }) => !fetched)).toBe(true);
    expect(hub.asked.length).toBe(asked);
    const embedder = await openTransformersEmbedder(options, 1);
    expect((await embedder.embed(['bread'])).vectors).toHaveLength(model.dimensions);
    await embedder.close();
  });

  it('of a model that is none for embeddings are told by its configuration, where the hub has no graph', async () => {
    const folder = join(root, 'hub');
    await cp(join(model.localPath, model.name), folder, { recursive: true });
    await rm(join(folder, 'onnx'), { recursive: true });
    const architectures = ['BertForSequenceClassification'];
    await writeFile(join(folder, 'config.json'), JSON.stringify({ architectures }));
    const reranker = await FakeHub.start(folder, NAME);
    try {
      await expect(fetchModel({ ...options, hub: reranker.origin }, fetching)).rejects.toMatchObject({
        code: 'MODEL_UNUSABLE',
        message: expect.stringContaining('a reranker or another classifier') as string,
      });
    } finally {
      await reranker.stop();
    }
  });

  it('are fetched by the embedder where that is allowed, and only there', async () => {
    await expect(openTransformersEmbedder(options, 1)).rejects.toMatchObject({ code: 'MODEL_FILES_MISSING' });
    expect(hub.asked).toEqual([]);
    const notices: string[] = [];
    const embedder = await openTransformersEmbedder({ ...options, allowDownload: true }, 1, (line) =>
      notices.push(line),
    );
    expect(notices).toHaveLength(4);
    await embedder.close();
  });

  it('go on where the connection broke', async () => {
    const { length } = await original(GRAPH);
    hub.misbehave = onGraph((file, request, response, nth) => {
      if (nth < 3) hub.serveUpTo(Math.floor((length * (nth + 1)) / 4), file, request, response);
      return nth < 3;
    });
    await fetchModel(options, { ...fetching, onProgress: hangUpOnGraph });
    await expectWhole();
    const ranges = hub.asked.filter(({ path }) => path === GRAPH).map(({ headers }) => headers.range);
    expect(ranges).toHaveLength(4);
    expect(ranges[0]).toBeUndefined();
    for (const range of ranges.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('start over where the file on the hub is another meanwhile, or what is there is too long', async () => {
    const folder = join(root, NAME, 'onnx');
    await mkdir(folder, { recursive: true });
    for (const [part, tag] of [
      ['of another version', '"other"'],
      ['x'.repeat(10_000_000), '"long"'],
    ] as const) {
      await rm(join(root, NAME, GRAPH), { force: true });
      await writeFile(join(folder, 'model.onnx.part'), part);
      await writeFile(join(folder, 'model.onnx.part.etag'), tag);
      hub.misbehave = onGraph((_file, request, response) => {
        if (request.headers['if-range'] !== '"long"') return false;
        response.writeHead(416).end();
        return true;
      });
      await fetchModel(options, fetching);
      await expectWhole();
    }
  });

  it('are asked for again where they came wrong, and never kept that way', async () => {
    hub.misbehave = onGraph((file, request, response, nth) => {
      if (nth > 0) return false;
      const wrong = Buffer.from(file.content);
      wrong[100] = (wrong[100] ?? 0) ^ 1;
      const { sha256 } = file;
      serve({ ...file, content: wrong, sha256 }, request, response);
      return true;
    });
    await fetchModel(options, fetching);
    await expectWhole();

    hub.misbehave = onGraph((file, request, response) => {
      serve({ ...file, content: Buffer.alloc(file.content.length), sha256: file.sha256 }, request, response);
      return true;
    });
    await rm(join(root, NAME, GRAPH));
    await expect(fetchModel(options, fetching)).rejects.toMatchObject({
      code: 'MODEL_DOWNLOAD',
      retryable: true,
    });
    await expect(stat(join(root, NAME, GRAPH))).rejects.toThrow('ENOENT');
  });

  it('wait as the hub asks where it is busy, and by themselves where it fails', async () => {
    hub.misbehave = onGraph((_file, _request, response, nth) => {
      if (nth === 0) response.writeHead(429, { 'retry-after': '7' }).end();
      if (nth === 1) response.writeHead(503).end();
      return nth < 2;
    });
    await fetchModel(options, fetching);
    await expectWhole();
    expect(waits[0]).toBe(7000);
    expect(waits[1]).toBeGreaterThan(0);
    expect(waits).toHaveLength(2);
  });

  it('are given up after some tries, with what came so far kept', async () => {
    const half = Math.floor((await original(GRAPH)).length / 2);
    hub.misbehave = onGraph((file, request, response, nth) => {
      if (nth === 0) hub.serveUpTo(half, file, request, response);
      else response.destroy();
      return true;
    });
    await expect(fetchModel(options, { ...fetching, onProgress: hangUpOnGraph })).rejects.toMatchObject({
      code: 'MODEL_DOWNLOAD',
      retryable: true,
      remedy: expect.stringContaining('model.hub') as string,
    });
    // What was on its way when the connection was cut may be lost.
    const { size: kept } = await stat(join(root, NAME, `${GRAPH}.part`));
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(half);
    hub.misbehave = () => false;
    await fetchModel(options, fetching);
    await expectWhole();
    expect(hub.asked.at(-1)?.headers.range).toBe(`bytes=${kept}-`);
  });

  it('are not waited for without end where the hub falls silent', async () => {
    hub.misbehave = onGraph((file, _request, response, nth) => {
      if (nth > 0) return false;
      response.writeHead(200, { etag: file.etag, 'content-length': file.content.length });
      response.write(file.content.subarray(0, 10));
      return true;
    });
    await fetchModel(options, { ...fetching, stallMs: 300 });
    await expectWhole();
  });

  it.each([
    [404, 'MODEL_NOT_ON_HUB', 'model.revision'],
    [401, 'MODEL_HUB_REFUSES', 'HF_TOKEN'],
    [403, 'MODEL_HUB_REFUSES', 'HF_TOKEN'],
    [418, 'MODEL_HUB_ANSWER', 'model.hub'],
  ])('that are refused with %i are not asked for twice: %s', async (status, code, word) => {
    hub.misbehave = (_file, _request, response) => {
      response.writeHead(status).end();
      return true;
    };
    const error: unknown = await fetchModel(options, fetching).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, retryable: false });
    const { remedy } = error as { remedy: string };
    expect(remedy).toContain(word);
    // The way by hand, for a machine without network.
    for (const file of expectedFiles(options)) expect(remedy).toContain(file);
    expect(remedy).toContain(join(root, NAME));
    expect(remedy).toContain(`${hub.origin}/org/small/resolve/main/`);
    const asked = hub.asked.map(({ path }) => path);
    expect(asked).toEqual([...new Set(asked)]);
    expect(required().length).toBeLessThanOrEqual(1);
  });

  it('that lie there already, put by hand, are asked of no hub', async () => {
    await fetchModel(options, fetching);
    await rm(join(root, NAME, MANIFEST));
    hub.asked.length = 0;
    const { files } = await fetchModel(options, fetching);
    expect(files.filter(({ fetched }) => fetched)).toEqual([]);
    expect(hub.asked).toEqual([]);
  });

  it('say what to do where no hub can be reached', async () => {
    const away = { ...options, hub: 'http://127.0.0.1:9' };
    const error: unknown = await fetchModel(away, fetching).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'MODEL_DOWNLOAD',
      message: expect.stringContaining('127.0.0.1:9') as string,
    });
    for (const word of ['model.hub', 'BACKFILL_MODEL_HUB', GRAPH, join(root, NAME)])
      expect((error as { remedy: string }).remedy).toContain(word);
  });

  it('come without the token reaching anybody but the hub', async () => {
    const tokens: (string | undefined)[] = [];
    const store = createServer((request, response) => {
      tokens.push(request.headers.authorization);
      void original(GRAPH).then((content) => response.end(content));
    });
    store.listen(0, '127.0.0.1');
    await once(store, 'listening');
    hub.misbehave = onGraph((_file, _request, response) => {
      const { port } = store.address() as AddressInfo;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/signed` }).end();
      return true;
    });
    await fetchModel(options, { ...fetching, env: { HF_TOKEN: 'hf_secret' } });
    await expectWhole();
    expect(tokens).toEqual([undefined]);
    expect(hub.asked.every(({ headers }) => headers.authorization === 'Bearer hf_secret')).toBe(true);
    store.closeAllConnections();
    store.close();
  });

  it('come with the user of the address in a header, and in no message', async () => {
    const notices: string[] = [];
    const address = hub.origin.replace('://', '://ann:hub-secret@');
    const withUser = { ...options, hub: address };
    await fetchModel(withUser, { ...fetching, notice: (line) => notices.push(line) });
    await expectWhole();
    const basic = `Basic ${Buffer.from('ann:hub-secret').toString('base64')}`;
    expect(hub.asked.every(({ headers }) => headers.authorization === basic)).toBe(true);
    const failed = await fetchModel({ ...withUser, name: 'org/nothing' }, fetching).catch(
      (error: unknown) => error as Error,
    );
    expect(failed).toBeInstanceOf(Error);
    expect(JSON.stringify([notices, failed, (failed as Error).message])).not.toContain('hub-secret');
  });

  it('are not sent round in circles', async () => {
    hub.misbehave = (_file, request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    };
    await expect(fetchModel(options, fetching)).rejects.toMatchObject({ code: 'MODEL_HUB_ANSWER' });
    expect(hub.asked.length).toBeLessThan(20);
  });

  it('are fetched by one of several at a time: each file is asked for once', async () => {
    const notices: string[] = [];
    const { timing: _, ...real } = fetching;
    const results = await Promise.all(
      Array.from({ length: 4 }, () => fetchModel(options, { ...real, notice: (line) => notices.push(line) })),
    );
    await expectWhole();
    expect(required()).toHaveLength(4);
    expect(hub.asked).toHaveLength(4 + USAGE_FILES.length);
    expect(results.filter(({ files }) => files.some(({ fetched }) => fetched))).toHaveLength(1);
    expect(new Set(results.map(({ checksum }) => checksum)).size).toBe(1);
    expect(notices.filter((line) => line.includes('waiting'))).toHaveLength(3);
  });

  it('stop coming when they are no longer wanted', async () => {
    const abort = new AbortController();
    hub.misbehave = onGraph((file, _request, response) => {
      response.writeHead(200, { etag: file.etag, 'content-length': file.content.length });
      response.write(file.content.subarray(0, 10), () => abort.abort());
      return true;
    });
    await expect(fetchModel(options, { ...fetching, signal: abort.signal })).rejects.toThrow(/abort/i);
  });

  it('are pinned by revision and by checksum', async () => {
    const { checksum } = await fetchModel({ ...options, revision: 'v1' }, fetching);
    await assertPinnedFiles(options);
    await assertPinnedFiles({ ...options, revision: 'v1', checksum });
    await assertPinnedFiles({ ...options, revision: COMMIT });
    await expect(assertPinnedFiles({ ...options, revision: 'v2' })).rejects.toMatchObject({
      code: 'MODEL_REVISION',
      message: expect.stringContaining('v1') as string,
    });
    await expect(assertPinnedFiles({ ...options, checksum: 'f'.repeat(64) })).rejects.toMatchObject({
      code: 'MODEL_CHECKSUM',
      message: expect.stringContaining(checksum) as string,
    });
    await expect(openTransformersEmbedder({ ...options, checksum: 'f'.repeat(64) }, 1)).rejects.toMatchObject(
      { code: 'MODEL_CHECKSUM' },
    );
    // Another revision replaces all files: those of two revisions are no model.
    const asked = hub.asked.length;
    const other = await fetchModel({ ...options, revision: 'v2' }, fetching);
    expect(other.files.every(({ fetched }) => fetched)).toBe(true);
    expect(hub.asked[asked]?.revision).toBe('v2');
    await assertPinnedFiles({ ...options, revision: 'v2' });
  });

  it('have no name that leads out of their folder', async () => {
    for (const name of ['../x', '/etc', 'a/b/c', '.', 'a/..', 'a b', 'a/b?c'])
      await expect(fetchModel({ ...options, name }, fetching)).rejects.toMatchObject({ code: 'MODEL_NAME' });
    expect(hub.asked).toEqual([]);
  });
});
