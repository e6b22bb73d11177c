/** The engine on a model with attention: held to the library's own pipeline, and to arithmetic where that has no answer. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTexts } from '../../../scripts/bench/minilm-model.ts';
import type { EmbedOptions, Embeddings } from '../../../src/embedding/embedder.ts';
import { LocalModel } from '../../../src/embedding/inference/local-model.ts';
import {
  locateModel,
  modelFingerprint,
  type ModelOptions,
} from '../../../src/embedding/model-files/files.ts';
import { openTransformersEmbedder, type LocalEmbedder } from '../../../src/embedding/local-embedder.ts';
import { makeBert } from '../../setup/bert.ts';
import { libraryPipeline, type Extract } from '../../setup/library-pipeline.ts';
import { modelOptionsOf, type OwnModel } from '../../setup/model.ts';

/** The limit of the written tokenizer. */
const MAX_TOKENS = 256;
const texts = makeTexts(200);
/** Against the library, which takes them one by one: in dozens of batches, some of them cut. */
const compared = texts.slice(0, 100);
const SHORT = makeTexts(1, 3)[0] ?? '';

/** The share of that time in which this process worked itself, and could turn to nothing else. */
async function shareHeld(work: () => Promise<unknown>): Promise<number> {
  const before = performance.eventLoopUtilization();
  await work();
  return performance.eventLoopUtilization(before).utilization;
}

describe('the engine on a model with attention', () => {
  let model: OwnModel;
  let options: ModelOptions;
  let library: { full: Extract; int8: Extract };
  const open = new Map<string, LocalEmbedder>();
  beforeAll(async () => {
    model = await makeBert();
    options = { ...modelOptionsOf(model), maxTokens: MAX_TOKENS };
    const folder = join(model.localPath, model.name);
    library = { full: await libraryPipeline(folder, false), int8: await libraryPipeline(folder, true) };
  });
  afterAll(async () => {
    for (const embedder of open.values()) await embedder.close();
    await model.remove();
  });

  async function embedderOf(change: Partial<ModelOptions> = {}, processes = 1): Promise<LocalEmbedder> {
    // One for all tests that ask for the same.
    const key = JSON.stringify([change, processes]);
    const embedder = open.get(key) ?? (await openTransformersEmbedder({ ...options, ...change }, processes));
    open.set(key, embedder);
    return embedder;
  }
  /** Without a process of its own, which takes several times as long to start as these tests to embed. */
  async function engineOf(
    change: Partial<ModelOptions>,
  ): Promise<Pick<LocalEmbedder, 'embed' | 'countTokens' | 'fingerprint'>> {
    const own = { ...options, ...change };
    const location = locateModel(own);
    const engine = await LocalModel.load({ type: 'load', options: own, location, intraOpThreads: 1 });
    return {
      fingerprint: await modelFingerprint(own),
      embed: (those, { as = 'document' }: EmbedOptions = {}): Promise<Embeddings> => engine.embed(those, as),
      countTokens: (those) => Promise.resolve(Int32Array.from(those, (text) => engine.tokenizer.count(text))),
    };
  }
  const row = (vectors: Float32Array, at: number): Float32Array =>
    vectors.subarray(at * model.dimensions, (at + 1) * model.dimensions);
  const furthest = (a: Float32Array, b: ArrayLike<number>): number =>
    a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? Number.NaN))), 0);
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const dot = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };

  // Batches and padding are the same for each; how they are pooled shows in a part of the texts.
  it.each([
    ['mean', true, 1],
    ['mean', false, 4],
    ['cls', true, 4],
  ] as const)("gives the library's vectors, pooling %s, normalised %s", async (pooling, normalize, each) => {
    const embedder = await embedderOf({ pooling, normalize }, 2);
    const { vectors, tokens, truncated } = await embedder.embed(compared);
    expect(Math.max(...tokens)).toBe(MAX_TOKENS);
    expect(truncated.includes(1)).toBe(true);
    for (const [at, text] of compared.entries())
      // Of a text that is cut the library drops the closing token.
      if (truncated[at] === 0 && at % each === 0)
        expect(
          furthest(row(vectors, at), (await library.full(text, { pooling, normalize })).data),
        ).toBeLessThan(1e-5);
  });

  it('keeps the closing token of a text that is cut', async () => {
    const [limit, words] = [32, makeTexts(60, 5).join(' ').split(' ')];
    const embedder = await engineOf({ maxTokens: limit });
    const counted = await embedder.countTokens(words);
    const single = words.filter((_, at) => counted[at] === 3);
    const cut = await embedder.embed([single.join(' '), single.slice(0, limit - 2).join(' ')]);
    expect([...cut.truncated]).toEqual([1, 0]);
    expect([...cut.tokens]).toEqual([limit, limit]);
    expect(row(cut.vectors, 0)).toEqual(row(cut.vectors, 1));
  });

  it('takes the largest of each component where it pools by max', async () => {
    const embedder = await engineOf({ pooling: 'max', normalize: false });
    const raw = await library.full(SHORT, { pooling: 'none', normalize: false });
    const [, sequence = 0] = raw.dims;
    const largest = Array.from({ length: model.dimensions }, (_, component) =>
      Math.max(
        ...Array.from(
          { length: sequence },
          (_, token) => raw.data[token * model.dimensions + component] ?? 0,
        ),
      ),
    );
    expect(furthest((await embedder.embed([SHORT])).vectors, largest)).toBeLessThan(1e-5);
  });

  it('stays within the tolerance of int8, where vectors depend on the texts beside them', async () => {
    const embedder = await embedderOf({ dtype: 'q8' });
    expect(embedder.precision).toBe('q8');
    const together = await embedder.embed(texts);
    for (const at of [0, 50, 199]) {
      const alone = await embedder.embed([texts[at] ?? '']);
      expect(cosine(alone.vectors, row(together.vectors, at))).toBeGreaterThan(0.98);
      const theirs = await library.int8(texts[at] ?? '', { pooling: 'mean', normalize: true });
      expect(cosine(alone.vectors, theirs.data)).toBeGreaterThan(0.98);
    }
  });

  it('puts prefixes in front, of documents and of queries', async () => {
    const embedder = await engineOf({ documentPrefix: 'balo kusa: ', queryPrefix: 'tida: ' });
    const plain = await embedderOf();
    expect((await embedder.embed([SHORT])).vectors).toEqual(
      (await plain.embed([`balo kusa: ${SHORT}`])).vectors,
    );
    expect((await embedder.embed([SHORT], { as: 'query' })).vectors).toEqual(
      (await plain.embed([`tida: ${SHORT}`])).vectors,
    );
    expect(embedder.fingerprint).not.toBe(plain.fingerprint);
    // A query's prefix changes no row.
    expect(await modelFingerprint({ ...options, queryPrefix: 'tida: ' })).toBe(plain.fingerprint);
  });

  it('averages overlapping chunks by their tokens', async () => {
    const [overlap, limit] = [10, 64];
    const chunked = await engineOf({ longText: 'mean-of-chunks', maxTokens: limit, chunkOverlap: overlap });
    const plain = await engineOf({ maxTokens: limit });
    const words = makeTexts(60, 5)
      .join(' ')
      .split(' ')
      .filter((word) => word.length < 12);
    // Words of one token each, so that chunks of tokens are chunks of words.
    const counted = await plain.countTokens(words);
    const single = words.filter((_, at) => counted[at] === 3).slice(0, 200);
    const size = limit - 2;
    const step = size - overlap;
    const sum = new Float32Array(model.dimensions);
    for (let start = 0; ; start += step) {
      const chunk = single.slice(start, start + size);
      const { vectors } = await plain.embed([chunk.join(' ')]);
      for (const [at, value] of vectors.entries()) sum[at] = (sum[at] ?? 0) + value * chunk.length;
      if (start + size >= single.length) break;
    }
    const length = Math.hypot(...sum);
    const result = await chunked.embed([single.join(' '), single.slice(0, 20).join(' ')]);
    expect(
      furthest(
        row(result.vectors, 0),
        sum.map((value) => value / length),
      ),
    ).toBeLessThan(1e-5);
    expect([...result.truncated]).toEqual([0, 0]);
    // A text that fits is read as always.
    expect(row(result.vectors, 1)).toEqual((await plain.embed([single.slice(0, 20).join(' ')])).vectors);
    expect(chunked.fingerprint).not.toBe(plain.fingerprint);

    const few = await engineOf({
      longText: 'mean-of-chunks',
      maxTokens: limit,
      chunkOverlap: overlap,
      maxChunks: 2,
    });
    const most = size + step;
    const cut = await few.embed([single.join(' '), single.slice(0, most).join(' ')]);
    expect([...cut.truncated]).toEqual([1, 0]);
    expect(row(cut.vectors, 0)).toEqual(row(cut.vectors, 1));
  });

  it.each([
    ['skip', 5],
    ['fail', 4],
  ] as const)('%s: leaves long documents without a vector, never a query', async (longText, fault) => {
    const embedder = await engineOf({ longText, maxTokens: 32 });
    const long = texts.find((text) => text.length > 1000) ?? '';
    const result = await embedder.embed([long, 'balo kusa', long]);
    expect([...result.faults]).toEqual([fault, 0, fault]);
    expect([...row(result.vectors, 0)].every((value) => value === 0)).toBe(true);
    expect([...(await embedder.embed([long, long])).faults]).toEqual([fault, fault]);
    expect([...(await embedder.embed([long], { as: 'query' })).faults]).toEqual([0]);
  });

  it('reads the beginning of a text of 10 MB, the same as of one of 10 kB', async () => {
    const embedder = await embedderOf();
    const start = texts.join(' ').slice(0, 10_000);
    const huge = `${start} ${'balokusa '.repeat(1_100_000)}`;
    const { vectors, truncated } = await embedder.embed([huge, start]);
    expect([...truncated]).toEqual([1, 1]);
    expect(row(vectors, 0)).toEqual(row(vectors, 1));
    // Without a single space, and with a character of two units where the text is cut.
    const unbroken = `${'x'.repeat(2047)}${'😀'.repeat(500_000)}`;
    expect([...(await embedder.embed([unbroken])).faults]).toEqual([1]);
    const ideographs = '語'.repeat(100_000);
    expect((await embedder.embed([ideographs])).tokens[0]).toBe(MAX_TOKENS);
  });

  it('counts tokens as the library does', async () => {
    const embedder = await embedderOf();
    const counted = await embedder.countTokens([...texts, '']);
    const { tokens } = await embedder.embed(texts);
    for (const at of texts.keys()) expect(Math.min(counted[at] ?? 0, MAX_TOKENS)).toBe(tokens[at]);
    expect(counted.at(-1)).toBe(2);
  });

  it('does not embed a text on which a masking rule does not come to its end', async () => {
    const rules = [{ name: 'greedy', pattern: 'a.*b|a' }];
    const embedder = await engineOf({ mask: { types: [], rules } });
    const { faults } = await embedder.embed([SHORT, 'a'.repeat(100_000)]);
    expect([...faults]).toEqual([0, 7]);
  });

  it('sets a text aside that the model cannot take, and embeds those beside it', async () => {
    const narrow = await makeBert({ vocabulary: 30_000 }, ['full']);
    const known = makeTexts(40, 5);
    const embedder = await embedderOf({ localPath: narrow.localPath });
    const { faults, vectors, tokens } = await embedder.embed(known);
    // Words far back in the vocabulary have no place in this graph.
    const refused = faults.filter((fault) => fault === 6).length;
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(known.length);
    expect([...faults].every((fault) => fault === 0 || fault === 6)).toBe(true);
    for (const [at, fault] of faults.entries()) {
      expect(row(vectors, at).some((component) => component !== 0)).toBe(fault === 0);
      expect(tokens[at]).toBeGreaterThan(0);
    }
    await narrow.remove();
  });

  it('embeds what is left of a text once it is masked', async () => {
    const mask = { types: ['email'] as const, rules: [{ name: 'badge', pattern: 'B-\\d+' }] };
    const embedder = await embedderOf({ mask });
    const plain = await embedderOf();
    const { vectors, masked } = await embedder.embed([`${SHORT} to a.b@example.org or B-77, B-78`]);
    expect(vectors).toEqual((await plain.embed([`${SHORT} to [EMAIL] or [BADGE], [BADGE]`])).vectors);
    expect(masked).toEqual({ email: 1, badge: 2 });
    expect(embedder.fingerprint).not.toBe(plain.fingerprint);
    await expect(
      embedderOf({ mask: { types: [], rules: [{ name: 'a', pattern: '(a' }] } }),
    ).rejects.toMatchObject({
      code: 'MASK_RULE',
    });
  });

  it('never holds up the process that it works for', async () => {
    const heavy = await makeBert({ layers: 4, width: 256, heads: 8, inner: 1024, vocabulary: 30_522 }, [
      'full',
    ]);
    const own = { ...options, localPath: heavy.localPath, name: heavy.name };
    const work = texts.filter((text) => text.length > 600).slice(0, 32);
    const here = await LocalModel.load({
      type: 'load',
      options: own,
      location: locateModel(own),
      intraOpThreads: 1,
    });
    const held = await shareHeld(() => here.embed(work, 'document'));
    const embedder = await openTransformersEmbedder(own, 2);
    const free = await shareHeld(() => embedder.embed(work));
    await embedder.close();
    await heavy.remove();
    expect(held).toBeGreaterThan(0.8);
    // Of a busy machine's time it gets little, and each of its own moments takes long.
    expect(free).toBeLessThan(0.9 * held);
  });
});
