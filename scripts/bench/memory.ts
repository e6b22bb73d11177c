/** `bench memory`: what inference processes take for a model's longest texts, against what is forecast of it. */

import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { modelSize, processMemory } from '../../src/embedding/inference/memory.ts';
import { openTransformersEmbedder } from '../../src/embedding/local-embedder.ts';
import { modelOptions } from '../../src/embedding/open-embedder.ts';
import { ConfigError } from '../../src/errors.ts';
import { bytes, count } from '../../src/observability/format.ts';
import { makeTexts } from './minilm-model.ts';
import { settledConfig } from '../lib/settled-config.ts';

const PROCESSES = 2;
const LONG_TEXTS = 6;
const SHORT_TEXTS = 200;
const KIB = 1024;

export interface MemoryResult {
  model: string;
  tokens: number;
  processes: number;
  /** Of one process, bytes. */
  forecast: number;
  /** Largest resident size of each process, bytes. */
  peaks: number[];
}

/** Of the inference processes that this one has started, in bytes: the largest that each has been resident with. Linux alone tells. */
export function inferencePeaks(): number[] {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(/\s+/).filter(Boolean),
  );
  return children
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('inference/process.'))
    .map((child) => {
      const [, peak = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child}/status`, 'utf8')) ?? [];
      return Number(peak) * KIB;
    });
}

/** Texts of that many tokens, in one call with short ones, several times. */
export async function measureMemory(
  folder: string,
  tokens: number,
  say: (line: string) => void,
): Promise<MemoryResult> {
  const { settings } = await settledConfig({
    env: {
      BACKFILL_MODEL_NAME: basename(folder),
      BACKFILL_MODEL_LOCAL_PATH: dirname(folder),
      BACKFILL_MODEL_QUANTIZED: 'false',
      BACKFILL_MODEL_MAX_TOKENS: String(tokens),
    },
    cwd: folder,
    optional: ['database.url', 'table', 'text'],
  });
  const options = modelOptions(settings);
  const size = modelSize(options);
  if (size === null)
    throw new ConfigError(`The config.json in ${folder} does not say how many heads there are.`, {
      code: 'USAGE',
      remedy: 'Give the folder of a transformer by --model.',
    });
  const long = Array.from({ length: LONG_TEXTS }, (_, at) => `${at} search `.repeat(tokens));
  const embedder = await openTransformersEmbedder(options, PROCESSES);
  try {
    const found = await embedder.embed([...long, ...makeTexts(SHORT_TEXTS)]);
    const cut = found.truncated.slice(0, LONG_TEXTS).filter((each) => each === 1).length;
    const peaks = inferencePeaks().toSorted((a, b) => b - a);
    const forecast = processMemory(size, tokens);
    say(
      `${LONG_TEXTS} texts of ${count(tokens)} tokens (${cut} cut there) and ${SHORT_TEXTS} short ones: ${peaks.map((peak) => bytes(peak)).join(' and ')}; forecast ${bytes(forecast)} each`,
    );
    return { model: basename(folder), tokens, processes: PROCESSES, forecast, peaks };
  } finally {
    await embedder.close();
  }
}
