/**
 * How a model's makers use it, as far as the files in its folder say: those that sentence-transformers writes
 * (modules.json and what it names, prompts) beside the tokenizer's.
 */

import { existsSync } from 'node:fs';
import { posix, join } from 'node:path';
import { OPTIONS } from '../../config/options.ts';
import type { Pooling } from '../embedding-options.ts';
import { MODULES, isJson, readJson, readModules } from '../model-files/maker-json.ts';
import { positionsOf } from '../model-files/positions.ts';
import { staticFiles, type StaticFiles } from '../model-files/static-files.ts';
import { denseWeights } from '../model-files/usage-files.ts';

/** What may be said of a model's use. A prefix that is empty: there is none, on purpose. */
export interface StatedUsage {
  pooling?: Pooling;
  normalize?: boolean;
  maxTokens?: number;
  documentPrefix?: string;
  queryPrefix?: string;
}
export type UsageKey = keyof StatedUsage;
export const USAGE_KEYS = [
  'pooling',
  'normalize',
  'maxTokens',
  'documentPrefix',
  'queryPrefix',
] as const satisfies readonly UsageKey[];

export interface MakerFiles {
  usage: StatedUsage;
  /** Which file says it. */
  sources: Partial<Record<UsageKey, string>>;
  /** Folders of layers behind the pooling, in their order; as modules.json names them, and those of them that are all here. */
  layers: string[];
  dense: string[];
  /** Tokens that the graph has positions for, as far as config.json says it; more are never read. */
  positions: number | null;
  /** What of it cannot be done here, in words. */
  unusable: string | null;
}

const PROMPTS = 'config_sentence_transformers.json';
const LENGTH = 'sentence_bert_config.json';
/** In the order in which sentence-transformers looks for them. */
const DOCUMENT_PROMPTS = ['document', 'passage', 'corpus'];
/** `pooling_mode_` and these. */
const POOLINGS: Readonly<Record<string, Pooling>> = {
  cls_token: 'cls',
  mean_tokens: 'mean',
  max_tokens: 'max',
  weightedmean_tokens: 'weighted-mean',
  lasttoken: 'last',
};
/** As newer releases write it: `pooling_mode: "lasttoken"`. */
const POOLING_WORDS: Readonly<Record<string, Pooling>> = {
  cls: 'cls',
  mean: 'mean',
  max: 'max',
  weightedmean: 'weighted-mean',
  lasttoken: 'last',
};
/** No maker means more: 10³⁰ stands for "not said". */
const LONGEST = 1_000_000;
/** Of `model.maxTokens`. */
const MOST_TOKENS = 8192;

export function readMakerFiles(folder: string): MakerFiles {
  const result: MakerFiles = {
    usage: {},
    sources: {},
    layers: [],
    dense: [],
    positions: positionsIn(folder) ?? null,
    unusable: null,
  };
  const say = <K extends UsageKey>(key: K, value: StatedUsage[K] | undefined, file: string): void => {
    if (value === undefined) return;
    result.usage[key] = value;
    result.sources[key] = file;
  };
  const modules = readModules(folder);
  if (modules !== null) {
    const kinds = modules.map(({ kind }) => kind);
    const odd = kinds.find((kind) => !KINDS.has(kind));
    if (odd !== undefined)
      result.unusable = ODD_KINDS[odd] ?? `${MODULES} has a part that is not known here: ${odd}`;
    else if (kinds.includes('Transformer') && !kinds.includes('Pooling')) result.unusable = MANY_VECTORS;
    result.layers = modules.flatMap(({ kind, path }) => (kind === 'Dense' && path !== '' ? [path] : []));
    if (kinds.includes('Pooling')) say('normalize', kinds.includes('Normalize'), MODULES);
  }
  const table = staticFiles(folder);
  const pooling = readPooling(folder, modules?.find(({ kind }) => kind === 'Pooling')?.path ?? '1_Pooling');
  if (pooling !== null) {
    result.unusable ??= pooling.unusable;
    say('pooling', pooling.how, pooling.file);
  }
  // Layers that are not here are in the graph, or nowhere: its own pooling is what they stand behind.
  const isWhole = result.layers.every((path) => existsSync(join(folder, denseWeights(path))));
  if (isWhole || table !== null) result.dense = result.layers;
  else if (result.unusable !== MANY_VECTORS) say('pooling', 'graph', MODULES);
  const length = numberOf(readJson(folder, LENGTH)?.['max_seq_length']);
  if (length !== undefined) say('maxTokens', Math.min(length, MOST_TOKENS), LENGTH);
  else say('maxTokens', lengthOfTokenizer(folder, modules !== null), 'tokenizer_config.json');
  if (table !== null) {
    const { pooling: how, normalize, maxTokens } = staticUsage(folder, table);
    say('pooling', how, table.said);
    say('normalize', normalize, table.said);
    say('maxTokens', maxTokens, table.said);
  }
  const prompts = readPrompts(folder);
  result.unusable ??= prompts.unusable;
  say('queryPrefix', prompts.query, PROMPTS);
  say('documentPrefix', prompts.document, PROMPTS);
  if (pooling?.leavesOutPrompt === true && `${prompts.query ?? ''}${prompts.document ?? ''}` !== '')
    result.unusable ??= `${pooling.file} leaves the prompt out of the pooling (include_prompt: false)`;
  return result;
}

const MANY_VECTORS = `${MODULES} has no pooling: it gives a vector for each token (ColBERT)`;
const SPARSE = `${MODULES} is of a sparse model, with a weight for each word (SPLADE)`;
/** What a part says of the whole. */
const ODD_KINDS: Readonly<Record<string, string>> = {
  MLMTransformer: SPARSE,
  SpladePooling: SPARSE,
  SparseStaticEmbedding: SPARSE,
  CLIPModel: `${MODULES} is of a model of pictures and captions (CLIPModel)`,
  Asym: `${MODULES} is of two models, for queries and for documents (Asym)`,
  Router: `${MODULES} is of two models, for queries and for documents (Router)`,
};
const KINDS = new Set(['Transformer', 'Pooling', 'Dense', 'Normalize', 'Dropout', 'StaticEmbedding']);

/** That Model2Vec reads of a text unless it is told otherwise; sentence-transformers has no limit. */
const MODEL2VEC_TOKENS = 512;

function staticUsage(folder: string, { kind, said }: StaticFiles): StatedUsage {
  if (kind === 'sentence-transformers') {
    const normalize = readModules(folder)?.some((part) => part.kind === 'Normalize') === true;
    return { pooling: 'mean', normalize, maxTokens: MOST_TOKENS };
  }
  const config = readJson(folder, said);
  const length = numberOf(config?.['seq_length']) ?? MODEL2VEC_TOKENS;
  return {
    pooling: 'mean',
    normalize: config?.['normalize'] === true,
    maxTokens: Math.min(length, MODEL2VEC_TOKENS),
  };
}

interface StatedPooling {
  how?: Pooling;
  file: string;
  unusable: string | null;
  leavesOutPrompt: boolean;
}

function readPooling(folder: string, path: string): StatedPooling | null {
  const file = posix.join(path, 'config.json');
  const config = readJson(folder, file);
  if (config === null) return null;
  const word = config['pooling_mode'];
  const flags = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true);
  const [mode, ...others] =
    typeof word === 'string' ? [word] : flags.map((flag) => flag.slice('pooling_mode_'.length));
  const how = mode === undefined ? undefined : (POOLINGS[mode] ?? POOLING_WORDS[mode]);
  const stated = { file, leavesOutPrompt: config['include_prompt'] === false };
  if (mode === undefined) return { ...stated, unusable: null };
  if (others.length > 0 || how === undefined)
    return {
      ...stated,
      unusable: `${file} has a pooling that is not known here: ${[mode, ...others].join(' with ')}`,
    };
  return { ...stated, how, unusable: null };
}

interface StatedPrompts {
  query?: string | undefined;
  document?: string | undefined;
  unusable: string | null;
}

function readPrompts(folder: string): StatedPrompts {
  const config = readJson(folder, PROMPTS);
  const prompts = config?.['prompts'];
  if (config === null || !isJson(prompts)) return { unusable: null };
  const suffix = config['suffix'];
  const named = (name: unknown): string | undefined => {
    const prompt = typeof name === 'string' ? prompts[name] : undefined;
    return typeof prompt === 'string' ? prompt : undefined;
  };
  const standard = named(config['default_prompt_name']);
  const query = named('query') ?? standard;
  const document = DOCUMENT_PROMPTS.map(named).find((prompt) => prompt !== undefined) ?? standard;
  return {
    // Two empty ones are what the library writes where nobody has said anything.
    ...(`${query ?? ''}${document ?? ''}` === '' ? {} : { query: query ?? '', document: document ?? '' }),
    unusable:
      typeof suffix === 'string' && suffix !== '' ? `${PROMPTS} puts a suffix behind every text` : null,
  };
}

/** Without the files of sentence-transformers it only tells that the option's default would be too much. */
function lengthOfTokenizer(folder: string, isWhole: boolean): number | undefined {
  const limits = [
    numberOf(readJson(folder, 'tokenizer_config.json')?.['model_max_length']),
    positionsIn(folder),
  ].filter((limit) => limit !== undefined);
  if (limits.length === 0) return undefined;
  const length = Math.min(...limits, MOST_TOKENS);
  return isWhole || length < (OPTIONS['model.maxTokens'].fallback ?? 0) ? length : undefined;
}

const positionsIn = (folder: string): number | undefined =>
  numberOf(positionsOf(readJson(folder, 'config.json') ?? {}));

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < LONGEST ? value : undefined;
