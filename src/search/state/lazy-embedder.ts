/** The model of a search: opened when a vector is first wanted, and again where the rows have got another one. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { ModelFacts } from '../../embedding/open-embedder.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { ConfigError } from '../../errors.ts';
import type { PlannedRun } from '../../ledger/reads/read-state.ts';

export type OpenEmbedder = (settings: Settings) => Promise<Embedder>;

export class LazyEmbedder {
  readonly #open: OpenEmbedder;
  /** Handed in: never closed here, and never replaced. */
  readonly #given: Embedder | null;
  #opened: { of: string; embedder: Promise<Embedder> } | null = null;

  constructor(given: Embedder | null, open: OpenEmbedder) {
    this.#given = given;
    this.#open = open;
  }

  /** @throws ConfigError where the model is not the one that made the rows' vectors: distances would mean nothing. */
  async get(settings: Settings, { fingerprint, embedding = {} }: Omit<PlannedRun, 'id'>): Promise<Embedder> {
    const embedder = this.#given ?? (await this.#own(settings, fingerprint));
    if (embedder.fingerprint === fingerprint) return embedder;
    const known = this.#given === null && Object.keys(embedding).length > 0;
    const difference = known ? await differenceOf(embedding, settings) : null;
    const named = difference === null ? '' : `: ${difference}`;
    throw new ConfigError(`The model ${embedder.model} is not the one that made the rows' vectors${named}.`, {
      code: 'MODEL_MISMATCH',
      remedy: `Give the search the model and options of the last \`pgvector-backfill enqueue\` (${optionName('model.name')}, model.localPath, model.revision, mask), or \`pgvector-backfill rollback\` until the rows are embedded by this one.`,
    });
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    const embedder = await opened?.embedder.catch(() => null);
    await embedder?.close();
  }

  #own(settings: Settings, fingerprint: string): Promise<Embedder> {
    // The prefix of queries is no part of the fingerprint, which is of the rows' vectors.
    const of = `${fingerprint} ${settings.model.queryPrefix ?? ''}`;
    if (this.#opened !== null && this.#opened.of !== of) void this.close().catch(() => {});
    if (this.#opened !== null) return this.#opened.embedder;
    const embedder = this.#open(settings);
    const opened = { of, embedder };
    this.#opened = opened;
    // A model that is not there now may be there for the next search.
    embedder.catch(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return embedder;
  }
}

async function differenceOf(before: ModelFacts, settings: Settings): Promise<string | null> {
  const { modelDifference, modelFacts } = await import('../../embedding/open-embedder.ts');
  return modelDifference(before, modelFacts(settings));
}

/** One inference process: an application's queries come one by one. Loaded when it is wanted: not every search is by vectors. */
export const openForSearch: OpenEmbedder = async (settings) =>
  (await import('../../embedding/open-embedder.ts')).openEmbedder(settings, 1);
