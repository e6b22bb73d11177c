import { spawnSync } from 'node:child_process';
import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { modelFingerprint, type ModelOptions } from '../../src/embedding/model-files/files.ts';
import { openTransformersEmbedder } from '../../src/embedding/local-embedder.ts';
import { articles } from '../../src/demo/articles.ts';
import { libraryPipeline } from '../setup/library-pipeline.ts';
import { modelOptionsOf, sampleModel } from '../setup/model.ts';

describe('the transformers embedder', () => {
  const model = sampleModel();
  let options: ModelOptions;
  let embedder: Embedder;
  beforeAll(async () => {
    options = modelOptionsOf(model);
    embedder = await openTransformersEmbedder(options, 2);
  });
  afterAll(async () => {
    await embedder.close();
  });

  const row = (vectors: Float32Array, index: number): number[] => [
    ...vectors.subarray(index * embedder.dimensions, (index + 1) * embedder.dimensions),
  ];

  it("agrees with the library's own pipeline, whatever the order of the texts", async () => {
    const texts = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);
    const extract = await libraryPipeline(join(model.localPath, model.name), false);
    const ours = await embedder.embed(texts);
    const turned = await embedder.embed(texts.toReversed());
    for (const [index, text] of texts.entries()) {
      const theirs = (await extract(text, { pooling: 'mean', normalize: true })).data;
      const vector = row(ours.vectors, index);
      expect(
        Math.max(...vector.map((component, at) => Math.abs(component - (theirs[at] ?? 0)))),
      ).toBeLessThan(1e-5);
      expect(row(turned.vectors, texts.length - 1 - index)).toEqual(vector);
    }
    expect([...ours.faults].every((fault) => fault === 0)).toBe(true);
  });

  it("agrees with the library's pipeline without scaling and by the first token, from the model's folder itself", async () => {
    const localPath = join(model.localPath, model.name);
    const extract = await libraryPipeline(localPath, false);
    const texts = ['bread dough', 'Change the oil of the car, then the tyres'];
    for (const pooling of ['mean', 'cls'] as const) {
      const other = await openTransformersEmbedder({ ...options, localPath, pooling, normalize: false }, 1);
      expect(other).toMatchObject({ model: model.name, dimensions: model.dimensions });
      const { vectors } = await other.embed(texts);
      for (const [index, text] of texts.entries()) {
        const theirs = (await extract(text, { pooling, normalize: false })).data;
        for (const [at, component] of row(vectors, index).entries())
          expect(Math.abs(component - (theirs[at] ?? 0))).toBeLessThan(1e-5);
      }
      await other.close();
    }
  });

  it('gives a text the same vector whatever it is embedded with', async () => {
    const texts = articles().map(({ title, body }) => `${title}\n${body ?? ''}`);
    const together = await embedder.embed(texts);
    for (const index of [0, 7, texts.length - 1]) {
      const alone = await embedder.embed([texts[index] ?? '']);
      expect(row(alone.vectors, 0)).toEqual(row(together.vectors, index));
      expect(alone.tokens[0]).toBe(together.tokens[index]);
    }
    expect(await embedder.embed([])).toEqual({
      masked: {},
      vectors: new Float32Array(0),
      tokens: new Int32Array(0),
      truncated: new Uint8Array(0),
      faults: new Uint8Array(0),
    });
  });

  it('gives vectors of unit length, and reads what is longer than it can see no differently', async () => {
    const beginning = 'bread dough yeast '.repeat(200);
    const more = beginning.padEnd(embedder.maxCharacters, 'car oil ');
    const { vectors, truncated } = await embedder.embed([beginning, more, `${more}${more}`]);
    expect([...truncated]).toEqual([1, 1, 1]);
    expect(row(vectors, 1)).toEqual(row(vectors, 0));
    expect(row(vectors, 2)).toEqual(row(vectors, 0));
    expect(Math.hypot(...row(vectors, 0))).toBeCloseTo(1, 5);
  });

  it('tells texts without a known word, and gives no NaN for them', async () => {
    const result = await embedder.embed(['bread dough', '', '   ', 'qzxv ЖЖЖ 8#~', '😀😀']);
    expect([...result.faults]).toEqual([0, 1, 1, 1, 1]);
    expect([...result.vectors].every((component) => Number.isFinite(component))).toBe(true);
  });

  it('cuts a long text at the limit and says so', async () => {
    const long = 'bread dough yeast '.repeat(2000);
    const result = await embedder.embed([long, 'bread']);
    expect([...result.truncated]).toEqual([1, 0]);
    expect(result.tokens[0]).toBe(256);
  });

  it('has a fingerprint of files and options', async () => {
    expect(await modelFingerprint(options)).toBe(embedder.fingerprint);
    for (const change of [
      { pooling: 'cls' },
      { normalize: false },
      { maxTokens: 128 },
      { dtype: 'q8' },
    ] as Partial<ModelOptions>[]) {
      expect(await modelFingerprint({ ...options, ...change })).not.toBe(embedder.fingerprint);
    }
    const copy = await mkdtemp(join(tmpdir(), 'pgvector-backfill-copy-'));
    await cp(join(model.localPath, model.name), copy, { recursive: true });
    expect(await modelFingerprint({ ...options, localPath: copy, name: 'other' })).toBe(embedder.fingerprint);
    await copyFile(join(copy, 'config.json'), join(copy, 'tokenizer_config.json'));
    expect(await modelFingerprint({ ...options, localPath: copy, name: 'other' })).not.toBe(
      embedder.fingerprint,
    );
    await rm(copy, { recursive: true });
  });

  it('ends by an error, not by waiting, where a file is damaged', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'pgvector-backfill-damaged-'));
    await cp(join(model.localPath, model.name), copy, { recursive: true });
    await writeFile(join(copy, 'onnx', 'model.onnx'), 'this is no model');
    await expect(
      openTransformersEmbedder({ ...options, localPath: copy, name: 'other' }, 1),
    ).rejects.toMatchObject({ code: 'MODEL_UNUSABLE' });
    // A part of a tokenizer that is not known here: no file is to be checked for it.
    await writeFile(join(copy, 'tokenizer.json'), JSON.stringify({ model: { type: 'Lattice', vocab: {} } }));
    await expect(
      openTransformersEmbedder({ ...options, localPath: copy, name: 'other' }, 1),
    ).rejects.toMatchObject({
      code: 'MODEL_UNUSABLE',
      message: expect.stringContaining('model.type "Lattice"') as string,
      remedy: expect.stringContaining('model.endpoint') as string,
    });
    await rm(copy, { recursive: true });
  });

  /** Inference processes of this test process, youngest first. */
  function inferenceProcesses(): number[] {
    return spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line.includes('inference/process'))
      .map((line) => Number.parseInt(line, 10))
      .sort((a, b) => b - a);
  }

  it('replaces a process that was killed in mid-batch and gives its texts to another', async () => {
    const alone = await openTransformersEmbedder(options, 1);
    const texts = Array.from({ length: 1000 }, (_, n) => `bread dough yeast ${n} `.repeat(1 + (n % 20)));
    const before = await alone.embed(texts);
    const victim = inferenceProcesses()[0] as number;
    // 0 or NaN would be this process's own group.
    expect(victim).toBeGreaterThan(1);
    const embedding = alone.embed(texts);
    process.kill(victim, 'SIGKILL');
    const after = await embedding;
    expect(after.vectors).toEqual(before.vectors);
    expect(after.tokens).toEqual(before.tokens);
    expect(inferenceProcesses()).not.toContain(victim);
    await alone.close();
    await alone.close();
    await expect(alone.embed(['bread'])).rejects.toMatchObject({ code: 'EMBEDDER_CLOSED' });
  });

  it('gives up, by an error that is worth another try, where processes die one after the other', async () => {
    const alone = await openTransformersEmbedder(options, 1);
    const texts = Array.from({ length: 30_000 }, (_, n) => `bread dough yeast ${n} `.repeat(20));
    const ended = new AbortController();
    const embedding = alone.embed(texts).finally(() => ended.abort());
    const outcome = expect(embedding).rejects.toMatchObject({ retryable: true });
    const others = new Set(inferenceProcesses().slice(1));
    while (!ended.signal.aborted) {
      for (const pid of inferenceProcesses()) if (!others.has(pid)) process.kill(pid, 'SIGKILL');
      await new Promise(setImmediate);
    }
    await outcome;
    await alone.close();
  });

  it('can be cancelled', async () => {
    const abort = new AbortController();
    const texts = Array.from({ length: 20_000 }, (_, n) => `bread dough yeast ${n}`);
    const embedding = embedder.embed(texts, { signal: abort.signal });
    abort.abort();
    await expect(embedding).rejects.toMatchObject({ code: 'EMBEDDING_CANCELLED', retryable: true });
    await expect(embedder.embed(['bread'], { signal: abort.signal })).rejects.toMatchObject({
      code: 'EMBEDDING_CANCELLED',
    });
    expect((await embedder.embed(['bread'])).faults[0]).toBe(0);
  });
});
