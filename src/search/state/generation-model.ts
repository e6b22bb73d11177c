/** The model of one generation: opened when its vectors are first asked, by the first options that open the very one. */

import type { Settings } from '../../config/settings.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import type { PlannedRun } from '../../ledger/reads/read-state.ts';
import { LazyEmbedder, type OpenEmbedder } from './lazy-embedder.ts';

export class GenerationModel {
  readonly #given: readonly Embedder[];
  readonly #open: OpenEmbedder;
  /** One for each of the settings. */
  readonly #tried: LazyEmbedder[] = [];
  /** Fingerprint of what is open, and by which of the settings. */
  #opened: { fingerprint: string; at: number } | null = null;
  #isClosed = false;

  constructor(given: readonly Embedder[], open: OpenEmbedder) {
    this.#given = given;
    this.#open = open;
  }

  /** Whether a search by it would wait for no model. */
  isOpen({ fingerprint }: Pick<PlannedRun, 'fingerprint'>): boolean {
    return this.#opened?.fingerprint === fingerprint || this.#handed(fingerprint) !== undefined;
  }

  /**
   * @param isOne of one generation: what was handed in is asked, whatever it is
   * @throws ConfigError where the model is not the one that made the rows' vectors; what opening it throws
   */
  async get(models: readonly Settings[], run: PlannedRun, isOne: boolean): Promise<Embedder> {
    const handed = this.#handed(run.fingerprint) ?? (isOne ? this.#given.at(0) : undefined);
    if (handed !== undefined) return new LazyEmbedder(handed, this.#open).get(models[0] as Settings, run);
    const known = this.#opened?.fingerprint === run.fingerprint ? this.#opened.at : 0;
    let first: unknown = null;
    for (const [at, settings] of models.entries()) {
      if (at < known) continue;
      const tried = (this.#tried[at] ??= new LazyEmbedder(null, this.#open));
      try {
        const embedder = await tried.get(settings, run);
        this.#opened = { fingerprint: run.fingerprint, at };
        if (this.#isClosed) await this.close();
        return embedder;
      } catch (error) {
        first ??= error;
        // Another model of the same name, which stays open where there is no other to look for: it is not opened by each search.
        if (!isOne || models.length > 1) void tried.close().catch(() => {});
        if (this.#isClosed) break;
      }
    }
    if (this.#opened?.fingerprint === run.fingerprint) this.#opened = null;
    throw first;
  }

  /** Also one that is being opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#opened = null;
    await Promise.all(this.#tried.splice(0).map((each) => each.close()));
  }

  #handed(fingerprint: string): Embedder | undefined {
    return this.#given.find((each) => each.fingerprint === fingerprint);
  }
}
