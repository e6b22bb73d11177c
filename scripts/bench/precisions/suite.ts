/**
 * `bench precisions`: one model in every precision that hubs have: what each costs, how far its vectors are from those of full
 * precision, and how far those of one text are from each other, embedded by itself and beside others: what the freshness check of
 * the gate has to allow.
 */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DTYPES, type Dtype } from '../../../src/config/values/dtype.ts';
import { dot } from '../../../src/embedding/inference/pooling.ts';
import { openTransformersEmbedder, type LocalEmbedder } from '../../../src/embedding/local-embedder.ts';
import { graphFile } from '../../../src/embedding/model-files/dtype.ts';
import { ConfigError } from '../../../src/errors.ts';
import type { OnProgress } from '../../../src/observability/progress.ts';
import { uniform } from '../../../src/random.ts';
import { cacheFolder, oursOptions } from '../embed-systems.ts';
import { embedMaterial, type GivenMaterial } from '../embed-material.ts';
import { MAX_TOKENS } from '../minilm-model.ts';
import { machine, median, ratioOf, showRatio, type Ratio } from '../ratio.ts';
import { convertGraph } from './convert.ts';

export interface PrecisionsOptions extends GivenMaterial {
  rounds: number;
  dtypes: readonly Dtype[];
  onProgress?: OnProgress;
}

export interface MeasuredPrecision {
  dtype: Dtype;
  megabytes: number;
  textsPerSecond: number;
  /** It / full precision, round by round. */
  toFull: Ratio;
  /** Of a text's vector to that of full precision. */
  cosine: { mean: number; worst: number };
  /** 1 − cosine of a text's vector among all, and by itself or among others. */
  apart: { typical: number; worst: number };
}

const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
/** Texts of one call among others. */
const CALL = 16;
/** Of the time of each precision. */
const TIMED = 128;

export async function benchPrecisions(
  root: string,
  options: PrecisionsOptions,
  say: (line: string) => void,
): Promise<object> {
  const cache = cacheFolder(root);
  const material = await embedMaterial(cache, options, say);
  const folder = await inAllPrecisions(join(material.models, material.name), cache, say);
  const { texts, weights } = material;
  say(`weights ${weights}; ${texts.length} texts`);
  const open = (dtype: Dtype): Promise<LocalEmbedder> => {
    const setup = {
      models: dirname(folder),
      model: basename(folder),
      quantized: false,
      maxTokens: MAX_TOKENS,
    };
    return openTransformersEmbedder({ ...oursOptions({ ...setup, name: 'ours' }), dtype }, 1);
  };
  const embedders = new Map<Dtype, LocalEmbedder>();
  try {
    for (const dtype of options.dtypes) embedders.set(dtype, await open(dtype));
    const rates = await timed(embedders, texts.slice(0, TIMED), options);
    const full = await vectorsOf(embedders.get('fp32'), texts);
    const result: MeasuredPrecision[] = [];
    for (const [dtype, embedder] of embedders) {
      options.onProgress?.({ what: dtype, done: result.length, total: embedders.size });
      const together = dtype === 'fp32' ? full : await vectorsOf(embedder, texts);
      const own = rates.get(dtype) ?? [];
      const cosines = cosinesOf(full, together);
      result.push({
        dtype,
        megabytes: (await stat(join(folder, graphFile(dtype)))).size / 1e6,
        textsPerSecond: median(own),
        toFull: ratioOf(own, rates.get('fp32') ?? []),
        cosine: {
          mean: cosines.reduce((sum, each) => sum + each, 0) / cosines.length,
          worst: Math.min(...cosines),
        },
        apart: await apartOf(embedder, texts, together),
      });
    }
    for (const line of report(result)) say(line);
    return { machine: machine(), weights, texts: texts.length, precisions: result };
  } finally {
    for (const embedder of embedders.values()) await embedder.close();
  }
}

/** A copy of the model with a graph of each: its own where it has one, otherwise made of that of full precision. */
async function inAllPrecisions(model: string, cache: string, say: (line: string) => void): Promise<string> {
  const folder = join(cache, 'precisions', basename(model));
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const file of FILES) await copyFile(join(model, file), join(folder, file));
  const full = await readFile(join(model, graphFile('fp32')));
  for (const dtype of DTYPES) {
    const [own, file] = [join(model, graphFile(dtype)), join(folder, graphFile(dtype))];
    if (existsSync(file)) continue;
    const isThere = existsSync(own);
    say(`${dtype}: ${isThere ? "the model's own" : 'made of fp32'}`);
    if (isThere) await copyFile(own, file);
    else await writeFile(file, convertGraph(full, dtype));
  }
  return folder;
}

type Vectors = Float32Array[];

async function vectorsOf(embedder: LocalEmbedder | undefined, texts: readonly string[]): Promise<Vectors> {
  if (embedder === undefined) return [];
  const { vectors } = await embedder.embed(texts);
  const { dimensions } = embedder;
  return texts.map((_, at) => vectors.subarray(at * dimensions, (at + 1) * dimensions));
}

const cosinesOf = (some: Vectors, others: Vectors): number[] =>
  some.map((vector, at) => dot(vector, others[at] ?? new Float32Array()));

async function apartOf(
  embedder: LocalEmbedder,
  texts: readonly string[],
  together: Vectors,
): Promise<{ typical: number; worst: number }> {
  const alone: Vectors = [];
  for (const text of texts) alone.push(...(await vectorsOf(embedder, [text])));
  const random = uniform(5);
  const order = texts.map((_, at) => ({ at, by: random() })).toSorted((a, b) => a.by - b.by);
  const shuffled: Vectors = [];
  for (let from = 0; from < order.length; from += CALL) {
    const members = order.slice(from, from + CALL).map(({ at }) => at);
    const vectors = await vectorsOf(
      embedder,
      members.map((at) => texts[at] ?? ''),
    );
    for (const [row, at] of members.entries()) shuffled[at] = vectors[row] ?? new Float32Array();
  }
  const distances = [alone, shuffled]
    .flatMap((each) => cosinesOf(together, each))
    .map((cosine) => 1 - cosine);
  return { typical: median(distances), worst: Math.max(...distances) };
}

async function timed(
  embedders: ReadonlyMap<Dtype, LocalEmbedder>,
  texts: readonly string[],
  { rounds, onProgress }: PrecisionsOptions,
): Promise<Map<Dtype, number[]>> {
  const rates = new Map<Dtype, number[]>([...embedders.keys()].map((dtype) => [dtype, []]));
  for (let round = 0; round <= rounds; round++)
    for (const [dtype, embedder] of embedders) {
      onProgress?.({ what: `${dtype}, round`, done: round, total: rounds });
      const started = performance.now();
      await embedder.embed(texts);
      // The first one warms up.
      if (round > 0) rates.get(dtype)?.push((texts.length * 1000) / (performance.now() - started));
    }
  return rates;
}

const report = (measured: readonly MeasuredPrecision[]): string[] =>
  measured.map(({ dtype, megabytes, textsPerSecond, toFull, cosine, apart }) =>
    [
      dtype.padEnd(5),
      `${megabytes.toFixed(0).padStart(4)} MB`,
      `${textsPerSecond.toFixed(1).padStart(7)} texts/s`,
      `it / fp32 ${showRatio(toFull)}`,
      `cosine to fp32 ${cosine.mean.toFixed(4)}, worst ${cosine.worst.toFixed(4)}`,
      `again ${apart.typical.toExponential(1)}, worst ${apart.worst.toExponential(1)}`,
    ].join('  '),
  );

/** Full precision is what the others are measured by. @throws ConfigError where there is none of that name */
export function parseDtypes(raw: string): Dtype[] {
  const names = raw.split(',');
  const unknown = names.find((name) => !DTYPES.some((dtype) => dtype === name));
  if (unknown === undefined) return DTYPES.filter((dtype) => dtype === 'fp32' || names.includes(dtype));
  throw new ConfigError(`--precision ${JSON.stringify(unknown)} is none of ${DTYPES.join(', ')}.`, {
    code: 'USAGE',
  });
}
