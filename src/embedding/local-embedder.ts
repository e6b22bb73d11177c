/** The embedder over local model files: sorts the texts, shares them out to the processes, puts the vectors back in order. */

import { setMaxListeners } from 'node:events';
import { BackfillError, ConfigError } from '../errors.ts';
import {
  emptyEmbeddings,
  addCounts,
  type CutText,
  type CutTexts,
  type Embedder,
  type EmbedOptions,
  type Embeddings,
  type VectorFault,
} from './embedder.ts';
import { fetchModel } from './model-files/download.ts';
import {
  assertModelFiles,
  assertPinnedFiles,
  locateModel,
  missingFiles,
  modelDtype,
  modelFingerprint,
  type ModelOptions,
} from './model-files/files.ts';
import { optionName } from '../config/option-name.ts';
import { assertDimensions } from './usage/asked-dimensions.ts';
import { USAGE_KEYS, readMakerFiles, type StatedUsage } from './usage/maker-files.ts';
import { usageNews } from './usage/usage-news.ts';
import { InferencePool } from './inference/process-pool.ts';
import { createMasker } from '../masking/masker.ts';
import { usableProcessors } from './inference/processors.ts';
import { lookUpMessages } from './inference/look-up-batches.ts';
import { textChunks } from './inference/token-batches.ts';

/** A WordPiece word has at most 100 characters and is a token; with room to spare, more text than this cannot matter. */
const CHARACTERS_PER_TOKEN = 64;

/** Of VECTOR_FAULT. */
const DEADLY = 8 satisfies VectorFault;

/**
 * Shares texts out to the processes, by their indexes in `messages`. One that processes die of, one after the other, is left to `onDeadly`,
 * and the others go on without it.
 */
async function inParts(
  texts: readonly string[],
  messages: number[][],
  work: (members: readonly number[], own: string[], patience: number) => Promise<void>,
  onDeadly: (index: number) => void,
): Promise<void> {
  const workPart = async (members: number[], patience: number): Promise<void> => {
    try {
      await work(
        members,
        members.map((index) => texts[index] ?? ''),
        patience,
      );
    } catch (error) {
      if (!(error instanceof BackfillError) || error.code !== 'INFERENCE_PROCESS_DIED') throw error;
      const [only] = members;
      if (members.length === 1 && only !== undefined) {
        onDeadly(only);
        return;
      }
      // One of these texts, perhaps: the halves tell which. The last one standing gets a second chance.
      const middle = Math.ceil(members.length / 2);
      const halves = [members.slice(0, middle), members.slice(middle)];
      await Promise.all(halves.map((half) => workPart(half, half.length === 1 ? 1 : 0)));
    }
  };
  await Promise.all(messages.map((members) => workPart(members, 1)));
}

/**
 * The files that have just come may say what was settled without them. @param before what the files said that were here
 */
function assertUsedSo(options: ModelOptions, before: StatedUsage): void {
  const { usage, sources } = readMakerFiles(locateModel(options).folder);
  const news = USAGE_KEYS.filter(
    (key) => usage[key] !== undefined && usage[key] !== before[key] && usage[key] !== options[key],
  );
  if (news.length === 0) return;
  const said = news.map(
    (key) =>
      `model.${key} ${JSON.stringify(usage[key])} (${sources[key]}), not ${JSON.stringify(options[key])}`,
  );
  throw usageNews(options.name, said);
}

/** Before a process is started for it. */
function assertUsable(options: ModelOptions): void {
  const { folder } = locateModel(options);
  const { unusable } = readMakerFiles(folder);
  // A graph that pools by itself leaves nothing of it to do here.
  if (unusable === null || options.pooling === 'graph') return;
  throw new ConfigError(
    `Model ${options.name} in ${folder} cannot be used as its makers use it: ${unusable}.`,
    {
      code: 'MODEL_UNUSABLE',
      remedy: `Take another model (docs/models.md has a table of well-known ones), serve this one by ${optionName('model.endpoint')}, or set ${optionName('model.pooling')} to graph where its graph does all of it (output sentence_embedding).`,
    },
  );
}

export type LocalEmbedder = Embedder & Required<Pick<Embedder, 'maxTokens' | 'countTokens' | 'cutPassages'>>;

/** @throws ConfigError where files are missing or cannot be used; says which and what to do. */
export async function openTransformersEmbedder(
  asked: ModelOptions,
  processes = usableProcessors(),
  notice?: (line: string) => void,
): Promise<LocalEmbedder> {
  // A rule that cannot be compiled is an error of the configuration, not of a process.
  createMasker(asked.mask);
  if (asked.allowDownload && (await missingFiles(asked)).length > 0) {
    const before = readMakerFiles(locateModel(asked).folder).usage;
    await fetchModel(asked, { notice });
    assertUsedSo(asked, before);
  }
  const dtype = modelDtype(asked);
  // Whatever comes into the folder meanwhile.
  const options = { ...asked, dtype };
  await assertModelFiles(options);
  await assertPinnedFiles(options);
  assertUsable(options);
  assertDimensions(options);
  const location = locateModel(options);
  const { pool, shape } = await InferencePool.start(
    // The files are here: where they came from, and with which password, is nothing to a process that reads them.
    { type: 'load', options: { ...options, hub: '' }, location, intraOpThreads: 1 },
    processes,
  );
  const fingerprint = await modelFingerprint(options).catch(async (error: unknown) => {
    await pool.close();
    throw new ConfigError(`The files of model ${options.name} cannot be read from ${location.folder}.`, {
      code: 'MODEL_FILES_UNREADABLE',
      cause: error,
    });
  });
  const { dimensions, maxTokens, isLookUp } = shape;

  async function embed(
    texts: readonly string[],
    { signal, as = 'document' }: EmbedOptions = {},
  ): Promise<Embeddings> {
    const count = texts.length;
    const result = emptyEmbeddings(count, dimensions);
    // One listener per chunk under way; the default limit of ten only guesses at a leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    await inParts(
      texts,
      isLookUp ? lookUpMessages(texts) : textChunks(texts),
      async (members, own, patience) => {
        const part = await pool.run({ type: 'embed', texts: own, as }, { signal, patience });
        addCounts(result.masked, part.masked);
        // Those of a look-up stand together.
        if (isLookUp) result.vectors.set(part.vectors, (members[0] ?? 0) * dimensions);
        for (const [row, index] of members.entries()) {
          if (!isLookUp)
            result.vectors.set(
              part.vectors.subarray(row * dimensions, (row + 1) * dimensions),
              index * dimensions,
            );
          result.tokens[index] = part.tokens[row] ?? 0;
          result.truncated[index] = part.truncated[row] ?? 0;
          result.faults[index] = part.faults[row] ?? 0;
        }
      },
      (index) => {
        result.faults[index] = DEADLY;
      },
    );
    return result;
  }

  async function cutPassages(
    texts: readonly string[],
    { signal }: Pick<EmbedOptions, 'signal'> = {},
  ): Promise<CutTexts> {
    const result: CutTexts = { texts: [], masked: {} };
    if (signal !== undefined) setMaxListeners(0, signal);
    await inParts(
      texts,
      textChunks(texts),
      async (members, own, patience) => {
        const part = await pool.cut(own, { signal, patience });
        addCounts(result.masked, part.masked);
        for (const [row, index] of members.entries()) result.texts[index] = part.texts[row] as CutText;
      },
      (index) => {
        result.texts[index] = { passages: [], truncated: false, fault: DEADLY };
      },
    );
    return result;
  }

  const isCut = (longText: ModelOptions['longText']): boolean =>
    longText === 'mean-of-chunks' || longText === 'chunks';
  const inOneInference = maxTokens * CHARACTERS_PER_TOKEN;
  return {
    model: options.name,
    dimensions,
    fingerprint,
    precision: dtype,
    maxTokens,
    maxCharacters: inOneInference * (isCut(options.longText) ? options.maxChunks : 1),
    embed,
    cutPassages,
    countTokens: async (texts) =>
      (await pool.run({ type: 'count', texts: [...texts], as: 'document' })).tokens,
    close: () => pool.close(),
  };
}
