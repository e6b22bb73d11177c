/** tokenizer.json, whole: a part or member that is not understood is refused by its name, never left out. */

import { z } from 'zod';
import { UnusableModel } from '../inference/unusable.ts';
import { normalizerPart, postProcessorPart, preTokenizerPart } from './file-schema.ts';

/** Of hundreds of thousands of entries: looked at in one plain loop. */
const vocabulary = z.custom<Record<string, number>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((id) => Number.isInteger(id)),
  'must be an object of ids by token',
);
const scored = z.custom<[token: string, score: number][]>(
  (value) =>
    Array.isArray(value) &&
    value.every(
      (entry) =>
        Array.isArray(entry) &&
        entry.length === 2 &&
        typeof entry[0] === 'string' &&
        typeof entry[1] === 'number',
    ),
  'must be a list of tokens with their scores',
);
const merges = z.custom<(string | [string, string])[]>(
  (value) =>
    Array.isArray(value) &&
    value.every((entry) =>
      Array.isArray(entry)
        ? entry.length === 2 && entry.every((part) => typeof part === 'string')
        : typeof entry === 'string' && entry.split(' ').length === 2,
    ),
  'must be a list of pairs of tokens',
);

const model = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('WordPiece'),
    unk_token: z.string(),
    continuing_subword_prefix: z.string(),
    max_input_chars_per_word: z.int(),
    vocab: vocabulary,
  }),
  z.strictObject({ type: z.literal('WordLevel'), unk_token: z.string(), vocab: vocabulary }),
  z.strictObject({
    type: z.literal('BPE'),
    // Tokens by chance: a text would have another vector each time.
    dropout: z.literal(0).nullish(),
    unk_token: z.string().nullish(),
    continuing_subword_prefix: z.string().nullish(),
    end_of_word_suffix: z.string().nullish(),
    fuse_unk: z.boolean().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    vocab: vocabulary,
    merges,
  }),
  z.strictObject({
    type: z.literal('Unigram'),
    unk_id: z.int().nullish(),
    vocab: scored,
    byte_fallback: z.boolean().nullish(),
  }),
]);
export type ModelPart = z.infer<typeof model>;

const addedToken = z.strictObject({
  id: z.int(),
  content: z.string(),
  single_word: z.boolean(),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
  normalized: z.boolean(),
  special: z.boolean(),
});
export type AddedToken = z.infer<typeof addedToken>;

const file = z.strictObject({
  version: z.literal('1.0').optional(),
  truncation: z
    .strictObject({
      direction: z.enum(['Left', 'Right']).optional(),
      // How much is read is an option of ours, and of two texts there is only one.
      max_length: z.int(),
      strategy: z.string(),
      stride: z.int(),
    })
    .nullish(),
  // How batches are padded is ours too.
  padding: z.unknown().optional(),
  added_tokens: z.array(addedToken).nullish(),
  normalizer: normalizerPart.nullish(),
  pre_tokenizer: preTokenizerPart.nullish(),
  post_processor: postProcessorPart.nullish(),
  // Ids are never turned into a text.
  decoder: z.unknown().optional(),
  model: z.preprocess(withType, model),
});
export type TokenizerFile = z.infer<typeof file>;

/** Old files do not name the kind of model; its members do. */
function withType(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || 'type' in value) return value;
  const type =
    'merges' in value
      ? 'BPE'
      : 'vocab' in value && Array.isArray(value.vocab)
        ? 'Unigram'
        : 'max_input_chars_per_word' in value
          ? 'WordPiece'
          : 'WordLevel';
  return { type, ...value };
}

const REMEDY =
  'Take a model whose tokenizer is WordPiece, byte-level BPE, Unigram or WordLevel without that part (docs/models.md), or have a server embed by this one (model.endpoint).';

/** @throws UnusableModel that names what is not understood, by its place in the file */
export function parseTokenizerFile(content: unknown): TokenizerFile {
  const parsed = file.safeParse(content);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => faultOf(issue, content));
  throw new UnusableModel(`tokenizer.json has ${[...new Set(faults)].join('; ')}`, REMEDY);
}

function faultOf(issue: z.core.$ZodIssue, content: unknown): string {
  const at = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${placeOf([...issue.path, key])}, which is not supported`).join('; ');
  const value = issue.path.reduce<unknown>(
    (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
    content,
  );
  if (value === undefined) return `no ${at}`;
  const shown = typeof value === 'object' ? '' : ` ${JSON.stringify(value)}`;
  return issue.code === 'invalid_union' || issue.code === 'invalid_value'
    ? `${at}${shown}, which is not supported`
    : `${at}${shown}: ${issue.message}`;
}

const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
