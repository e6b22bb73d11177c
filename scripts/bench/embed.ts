/**
 * `bench embed`: texts a second of this project's engine, of the library that it takes its files and tokenizer from, and
 * of what else a TypeScript user would take, on a model of all-MiniLM-L6-v2's shape, and against what the machine's matrix
 * products allow. Every system is a process of its own, all are alive, and the rounds go round all of them.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { usableProcessors } from '../../src/embedding/inference/processors.ts';
import { openTransformersEmbedder } from '../../src/embedding/local-embedder.ts';
import { BackfillError, ConfigError } from '../../src/errors.ts';
import { forkEntry } from '../../src/process/fork-entry.ts';
import type { FromChild, ToChild } from './embed-child.ts';
import {
  cacheFolder,
  callsOf,
  oursOptions,
  SYSTEMS,
  type SystemName,
  type SystemSetup,
} from './embed-systems.ts';
import { embedMaterial, type EmbedMaterial, type GivenMaterial } from './embed-material.ts';
import { MAX_TOKENS } from './minilm-model.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { machine, median, ratioOf, showRatio, type Ratio } from './ratio.ts';
import { LINEAR_OPERATIONS, attentionOperations } from './roofline.ts';

export interface EmbedOptions extends GivenMaterial {
  rounds: number;
  onProgress?: OnProgress;
  precisions: ('fp32' | 'int8')[];
}

export interface SystemResult {
  name: string;
  /** Median of the rounds. */
  textsPerSecond: number;
  /** This system / ours. */
  ratioToOurs: number;
  /** Ours / this system, round by round. */
  oursRatio: Ratio;
  /** Of the process and those that it started. */
  peakMegabytes: number;
}

export interface PrecisionResult {
  systems: SystemResult[];
  /** Texts a second of ours / of the machine's matrix products alone. */
  rooflineShare: number;
  /** 10⁹ operations a second of the model's weight products, without the rest. */
  roofline: { full: number; int8: number | null };
  tokensPerText: number;
  notInstalled: string[];
}

export interface EmbedResult {
  machine: { cpu: string; cores: number };
  /** Whose weights, in words. */
  weights: string;
  /** `made`, or how many of the file. */
  texts: string;
  fp32?: PrecisionResult;
  int8?: PrecisionResult;
}

/** Texts on which every system warms up. */
const WARM_UP = 64;
const ROOFLINE_MS = 1500;

class Child {
  readonly #child: ChildProcess = forkEntry(new URL('./embed-child.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  /** Listened for once: listeners of each question would gather for as long as the process lives. */
  readonly #died = once(this.#child, 'exit').then(([code]) => {
    throw new BackfillError(`A benchmark process ended (${String(code)}).`, { code: 'BENCH_PROCESS' });
  });

  constructor() {
    this.#died.catch(() => {});
  }

  async ask<T extends FromChild['type']>(
    message: ToChild,
    type: T,
  ): Promise<Extract<FromChild, { type: T }>> {
    this.#child.send(message);
    const [answer] = (await Promise.race([once(this.#child, 'message'), this.#died])) as [FromChild];
    if (answer.type === type) return answer as Extract<FromChild, { type: T }>;
    throw new BackfillError(answer.type === 'failed' ? answer.message : `Unexpected answer ${answer.type}.`, {
      code: 'BENCH_PROCESS',
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

export async function benchEmbed(
  root: string,
  options: EmbedOptions,
  say: (line: string) => void,
): Promise<EmbedResult> {
  const material = await embedMaterial(cacheFolder(root), options, say);
  const { weights } = material;
  const texts = options.from === undefined ? 'made' : `${material.texts.length} of the file`;
  say(`weights ${weights}; texts: ${texts}`);
  const result: EmbedResult = { machine: machine(), weights, texts };
  for (const precision of options.precisions)
    result[precision] = await benchPrecision(material, precision === 'int8', options, say);
  return result;
}

async function benchPrecision(
  { models, name: model, texts }: EmbedMaterial,
  quantized: boolean,
  { rounds, onProgress }: EmbedOptions,
  say: (line: string) => void,
): Promise<PrecisionResult> {
  const base = { models, model, quantized, maxTokens: MAX_TOKENS };
  const tokens = await countTokens({ ...base, name: 'ours' }, texts);
  const sum = tokens.reduce((total, each) => total + each, 0);
  const perText = sum / texts.length;
  say(
    `${quantized ? 'int8' : 'full precision'}: ${texts.length} texts of ${perText.toFixed(1)} tokens on average`,
  );
  const children = new Map<ChildName, Child>();
  const notInstalled: string[] = [];
  try {
    for (const name of Object.keys(SYSTEMS) as SystemName[]) {
      // Its default is full precision.
      if (name === 'langchain' && quantized) continue;
      const child = new Child();
      const { installed } = await child.ask({ type: 'open', setup: { ...base, name } }, 'opened');
      if (installed) children.set(name, child);
      else {
        child.end();
        notInstalled.push(SYSTEMS[name]);
      }
    }
    if (notInstalled.length > 0)
      say(
        `NOT MEASURED, as not installed: ${notInstalled.join('; ')}. Run \`npm install --prefix scripts/bench/peers\`.`,
      );
    const threads = usableProcessors();
    for (const int8 of quantized ? [false, true] : [false]) {
      const child = new Child();
      children.set(int8 ? 'roofline-int8' : 'roofline', child);
      await child.ask({ type: 'open-roofline', quantized: int8, threads }, 'opened');
    }
    return await measure(children, { texts, tokens, perText, rounds, onProgress, notInstalled }, say);
  } finally {
    for (const child of children.values()) child.end();
  }
}

async function measure(
  children: ReadonlyMap<ChildName, Child>,
  input: {
    texts: string[];
    tokens: Int32Array;
    perText: number;
    rounds: number;
    onProgress: OnProgress | undefined;
    notInstalled: string[];
  },
  say: (line: string) => void,
): Promise<PrecisionResult> {
  const { texts, tokens, perText } = input;
  const rates = new Map<string, number[]>([...children.keys()].map((name) => [name, []]));
  const peaks = new Map<string, number>();
  const rooflines = [...children].filter(([name]) => isRoofline(name));
  const systemsOnly = [...children].filter(([name]) => !isRoofline(name));
  // The machine's own speed wanders: the roofline right before ours, and right behind it.
  const turns = systemsOnly.flatMap((each) =>
    each[0] === 'ours' ? [...rooflines, each, ...rooflines] : [each],
  );
  for (let round = 0; round <= input.rounds; round++) {
    for (const [name, child] of turns) {
      input.onProgress?.({ what: `${name}, round`, done: round, total: input.rounds });
      let rate: number;
      if (isRoofline(name)) {
        rate = (await child.ask({ type: 'multiply', milliseconds: ROOFLINE_MS }, 'multiplied')).perSecond;
      } else {
        const calls = round === 0 ? [Array.from({ length: WARM_UP }, (_, at) => at)] : callsOf(name, tokens);
        const named = calls.map((call) => call.map((index) => texts[index] ?? ''));
        const { seconds, peakBytes } = await child.ask({ type: 'embed', calls: named }, 'done');
        const done = calls.flat().reduce((total, index) => total + (tokens[index] ?? 0), 0);
        rate = done / perText / seconds;
        peaks.set(name, peakBytes / 1e6);
      }
      if (round === 0) continue;
      rates.get(name)?.push(rate);
      if (name in SYSTEMS) say(`round ${round}: ${SYSTEMS[name as SystemName]}: ${rate.toFixed(1)} texts/s`);
    }
  }
  const ours = rates.get('ours') ?? [];
  const systems = [...rates].flatMap(([name, own]): SystemResult[] =>
    name in SYSTEMS
      ? [
          {
            name: SYSTEMS[name as SystemName],
            textsPerSecond: Math.round(median(own) * 10) / 10,
            ratioToOurs: 1 / ratioOf(ours, own).median,
            oursRatio: ratioOf(ours, own),
            peakMegabytes: Math.round(peaks.get(name) ?? 0),
          },
        ]
      : [],
  );
  const full = aroundOurs(rates.get('roofline') ?? []);
  const int8 = rates.has('roofline-int8') ? aroundOurs(rates.get('roofline-int8') ?? []) : undefined;
  const shares = ours.map((rate, round) => {
    const linear = (int8 ?? full)[round] ?? Number.NaN;
    return (rate * secondsOf(tokens, linear, full[round] ?? Number.NaN)) / texts.length;
  });
  const result: PrecisionResult = {
    systems,
    rooflineShare: median(shares),
    roofline: { full: median(full) / 1e9, int8: int8 === undefined ? null : median(int8) / 1e9 },
    tokensPerText: perText,
    notInstalled: input.notInstalled,
  };
  for (const line of report(result)) say(line);
  return result;
}

type ChildName = SystemName | 'roofline' | 'roofline-int8';

const isRoofline = (name: ChildName): name is 'roofline' | 'roofline-int8' =>
  name === 'roofline' || name === 'roofline-int8';

/** Of each round the mean of its two measurements. */
const aroundOurs = (perSecond: readonly number[]): number[] =>
  perSecond.flatMap((rate, at) => (at % 2 === 0 ? [(rate + (perSecond[at + 1] ?? rate)) / 2] : []));

/** Time of the matrix products of all texts: those with weights at `linear` operations a second, those of attention at `full`. */
function secondsOf(tokens: Int32Array, linear: number, full: number): number {
  return tokens.reduce(
    (sum, length) =>
      sum + (length * LINEAR_OPERATIONS) / linear + (length * attentionOperations(length)) / full,
    0,
  );
}

const BAR = 40;

function report({ systems, rooflineShare, roofline }: PrecisionResult): string[] {
  const max = Math.max(...systems.map(({ textsPerSecond }) => textsPerSecond));
  const width = Math.max(...systems.map(({ name }) => name.length));
  const lines = systems.map(({ name, textsPerSecond, oursRatio, peakMegabytes }) =>
    [
      name.padEnd(width),
      '█'.repeat(Math.max(Math.round((BAR * textsPerSecond) / max), 1)).padEnd(BAR),
      `${textsPerSecond.toFixed(1).padStart(7)} texts/s`,
      `ours / it ${showRatio(oursRatio)}`,
      `${peakMegabytes} MB`,
    ].join('  '),
  );
  const int8 = roofline.int8 === null ? '' : `, int8 ${roofline.int8.toFixed(0)}`;
  return [
    ...lines,
    `share of the roofline ${rooflineShare.toFixed(2)} (matrix products: full precision ${roofline.full.toFixed(0)}${int8} × 10⁹ operations/s)`,
  ];
}

async function countTokens(setup: SystemSetup, texts: string[]): Promise<Int32Array> {
  const embedder = await openTransformersEmbedder(oursOptions(setup), 1);
  try {
    const counted = await embedder.countTokens(texts);
    return counted.map((count) => Math.min(count, setup.maxTokens));
  } finally {
    await embedder.close();
  }
}

/** @throws ConfigError for anything but fp32, int8 or both. */
export function parsePrecisions(raw: string): ('fp32' | 'int8')[] {
  const names = raw.split(',');
  if (names.every((name) => name === 'fp32' || name === 'int8')) return names;
  throw new ConfigError(`--precision must be fp32, int8 or fp32,int8 (got ${raw}).`, { code: 'USAGE' });
}
