/** The parts of a tokenizer.json that are understood, each with all of its members: what is not here is refused. */

import { z } from 'zod';

const pattern = z.union([z.strictObject({ String: z.string() }), z.strictObject({ Regex: z.string() })]);
export type Pattern = z.infer<typeof pattern>;

const plain = <const T extends string>(type: T) => z.strictObject({ type: z.literal(type) });

const normalizerStep = [
  z.strictObject({
    type: z.literal('BertNormalizer'),
    clean_text: z.boolean(),
    handle_chinese_chars: z.boolean(),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean(),
  }),
  plain('NFC'),
  plain('NFD'),
  plain('NFKC'),
  plain('NFKD'),
  plain('StripAccents'),
  plain('Lowercase'),
  plain('Nmt'),
  plain('ByteLevel'),
  z.strictObject({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.strictObject({ type: z.literal('Prepend'), prepend: z.string() }),
  z.strictObject({ type: z.literal('Precompiled'), precompiled_charsmap: z.string() }),
  z.strictObject({ type: z.literal('Replace'), pattern, content: z.string() }),
] as const;
type NormalizerStep = z.infer<(typeof normalizerStep)[number]>;
export type NormalizerPart = NormalizerStep | { type: 'Sequence'; normalizers: NormalizerPart[] };
export const normalizerPart: z.ZodType<NormalizerPart> = z.lazy(() =>
  z.discriminatedUnion('type', [
    ...normalizerStep,
    z.strictObject({ type: z.literal('Sequence'), normalizers: z.array(normalizerPart) }),
  ]),
);

const behavior = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
const byteLevel = z.strictObject({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean(),
  // Of positions in the text, which nobody asks for.
  trim_offsets: z.boolean().optional(),
  use_regex: z.boolean().optional(),
});
const metaspace = z
  .strictObject({
    type: z.literal('Metaspace'),
    replacement: z.string().refine((text) => Array.from(text).length === 1, 'must be one character'),
    /** As it was written until 2023. */
    add_prefix_space: z.boolean().nullish(),
    /** As it was written then: always the replacement itself. */
    str_rep: z.string().optional(),
    prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
    split: z.boolean().nullish(),
  })
  .refine(
    ({ add_prefix_space, prepend_scheme }) => add_prefix_space !== false || prepend_scheme !== 'first',
    'add_prefix_space and prepend_scheme contradict each other',
  );

const preTokenizerStep = [
  plain('BertPreTokenizer'),
  plain('Whitespace'),
  plain('WhitespaceSplit'),
  byteLevel,
  metaspace,
  z.strictObject({ type: z.literal('Punctuation'), behavior: behavior.optional() }),
  z.strictObject({ type: z.literal('Digits'), individual_digits: z.boolean() }),
  z.strictObject({ type: z.literal('CharDelimiterSplit'), delimiter: z.string() }),
  z.strictObject({ type: z.literal('Split'), pattern, behavior, invert: z.boolean() }),
] as const;
type PreTokenizerStep = z.infer<(typeof preTokenizerStep)[number]>;
export type PreTokenizerPart = PreTokenizerStep | { type: 'Sequence'; pretokenizers: PreTokenizerPart[] };
export const preTokenizerPart: z.ZodType<PreTokenizerPart> = z.lazy(() =>
  z.discriminatedUnion('type', [
    ...preTokenizerStep,
    z.strictObject({ type: z.literal('Sequence'), pretokenizers: z.array(preTokenizerPart) }),
  ]),
);

const token = z.tuple([z.string(), z.int()]);
const templatePiece = z.union([
  z.strictObject({ SpecialToken: z.strictObject({ id: z.string(), type_id: z.int() }) }),
  z.strictObject({ Sequence: z.strictObject({ id: z.enum(['A', 'B']), type_id: z.int() }) }),
]);
const postProcessorStep = [
  byteLevel,
  z.strictObject({ type: z.literal('BertProcessing'), sep: token, cls: token }),
  z.strictObject({
    type: z.literal('RobertaProcessing'),
    sep: token,
    cls: token,
    trim_offsets: z.boolean(),
    add_prefix_space: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('TemplateProcessing'),
    single: z.array(templatePiece),
    // Of two texts together, which nobody embeds.
    pair: z.unknown().optional(),
    special_tokens: z.record(
      z.string(),
      z.strictObject({ id: z.string(), ids: z.array(z.int()), tokens: z.array(z.string()) }),
    ),
  }),
] as const;
type PostProcessorStep = z.infer<(typeof postProcessorStep)[number]>;
export type PostProcessorPart = PostProcessorStep | { type: 'Sequence'; processors: PostProcessorPart[] };
export const postProcessorPart: z.ZodType<PostProcessorPart> = z.lazy(() =>
  z.discriminatedUnion('type', [
    ...postProcessorStep,
    z.strictObject({ type: z.literal('Sequence'), processors: z.array(postProcessorPart) }),
  ]),
);
