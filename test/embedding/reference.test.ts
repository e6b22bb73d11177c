/**
 * Tokens and vectors against those of the models' own implementations, where a folder of them is named:
 * BACKFILL_REFERENCE_DATA=/path npx vitest run test/embedding/reference.test.ts. In it models/<name>/ and
 * tokenizers/<name>/ with reference-tokens.jsonl.gz (`ids` of each text, or a list of them alone, line by line those of
 * the first file with texts) and reference.jsonl.gz (`text` and `vector`, normalised; used as the
 * model's own files say).
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/embedding/tokenizer/load-tokenizer.ts';
import { TextTokenizer } from '../../src/embedding/tokenizer/text-tokens.ts';
import { openTransformersEmbedder } from '../../src/embedding/local-embedder.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import { usedConfig } from '../../src/embedding/usage/usage.ts';
import { loadConfig } from '../../src/config/load.ts';
import { modelOptionsOf } from '../setup/model.ts';

const LIMIT = 256;
const ALIKE = 0.9999;
/** Of what dynamic quantisation leaves in the plain runtime. */
const INT8 = { mean: 0.9915, worst: 0.97 };
const data = process.env['BACKFILL_REFERENCE_DATA'] ?? '';

if (data === '')
  process.stderr.write(
    'NOT RUN: tokens and vectors against the reference implementation. BACKFILL_REFERENCE_DATA names no folder with them.\n',
  );

const lines = <T>(file: string): T[] =>
  gunzipSync(readFileSync(file))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
const foldersWith = (file: string): string[] =>
  ['models', 'tokenizers']
    .filter((kind) => existsSync(join(data, kind)))
    .flatMap((kind) =>
      readdirSync(join(data, kind))
        .toSorted()
        .map((name) => join(kind, name)),
    )
    .filter((folder) => existsSync(join(data, folder, file)));

const QUANTIZED = 'onnx/model_quantized.onnx';

interface Reference {
  text: string;
  vector: number[];
}

const cosinesTo = (reference: readonly Reference[], vectors: ArrayLike<number>): number[] =>
  reference.map(({ vector }, at) =>
    vector.reduce((dot, value, component) => dot + value * (vectors[at * vector.length + component] ?? 0), 0),
  );

describe.skipIf(data === '')('against the reference implementation', () => {
  const tokenFiles = data === '' ? [] : foldersWith('reference-tokens.jsonl.gz');
  const options = modelOptionsOf({ name: '', localPath: '' });

  it.each(tokenFiles)('%s: the ids of every text, as a document and as a query', async (folder) => {
    type Line = { text: string; ids: number[] } | number[];
    const read = (name: string): Line[] => lines<Line>(join(data, name, 'reference-tokens.jsonl.gz'));
    const texts = tokenFiles.map(read).find(([first]) => first !== undefined && 'text' in first) ?? [];
    const { tokenizer, settings } = await loadTokenizer(join(data, folder));
    const tokens = new TextTokenizer(tokenizer, settings, { ...options, maxTokens: LIMIT });
    const differing: number[] = [];
    for (const [at, expected] of read(folder).entries()) {
      const line = texts[at];
      const text = line === undefined || !('text' in line) ? '' : line.text;
      const ids = JSON.stringify('ids' in expected ? expected.ids : expected);
      for (const as of ['document', 'query'] as const)
        if (JSON.stringify(tokens.tokens(text, as).units[0]) !== ids) differing.push(at);
    }
    expect(texts.length).toBeGreaterThan(0);
    expect(differing).toEqual([]);
  });

  /** The reference is of the texts alone. */
  const WITHOUT_PROMPT = { 'model-document-prefix': '' };
  it.each(data === '' ? [] : foldersWith('reference.jsonl.gz'))('%s: the vectors', async (folder) => {
    const reference = lines<Reference>(join(data, folder, 'reference.jsonl.gz'));
    const env = {
      BACKFILL_MODEL_NAME: folder.split('/').at(-1) ?? '',
      BACKFILL_MODEL_LOCAL_PATH: join(data, folder, '..'),
      // Where there is no other, full precision is what is taken.
      ...(existsSync(join(data, folder, QUANTIZED)) && { BACKFILL_MODEL_DTYPE: 'fp32' }),
      BACKFILL_MASK: 'none',
    };
    const { settings } = usedConfig(
      await loadConfig({
        flags: WITHOUT_PROMPT,
        env,
        cwd: data,
        optional: ['database.url', 'table', 'text'],
      }),
    );
    const embedder = await openEmbedder(settings, 1);
    const { vectors } = await embedder.embed(
      reference.map(({ text }) => text),
      { as: 'passage' },
    );
    await embedder.close();
    expect(Math.min(...cosinesTo(reference, vectors))).toBeGreaterThanOrEqual(ALIKE);
  });

  const quantized =
    data === ''
      ? []
      : foldersWith('reference.jsonl.gz').filter((folder) => existsSync(join(data, folder, QUANTIZED)));
  it.each(quantized)('%s: the vectors of the int8 file, in batches and one by one', async (folder) => {
    const reference = lines<Reference>(join(data, folder, 'reference.jsonl.gz'));
    const embedder = await openTransformersEmbedder(
      { ...options, localPath: join(data, folder), name: folder, dtype: 'q8' },
      1,
    );
    const texts = reference.map(({ text }) => text);
    const batched = await embedder.embed(texts);
    const single: number[] = [];
    for (const text of texts) single.push(...(await embedder.embed([text])).vectors);
    await embedder.close();
    for (const vectors of [batched.vectors, single]) {
      const cosines = cosinesTo(reference, vectors);
      expect(cosines.reduce((sum, each) => sum + each, 0) / cosines.length).toBeGreaterThanOrEqual(INT8.mean);
      expect(Math.min(...cosines)).toBeGreaterThanOrEqual(INT8.worst);
    }
  });
});
