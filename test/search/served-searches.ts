/** Searches of the table that `openServedTable` makes, and what they find for bread. */

import { createSearch } from '../../src/search/create-search.ts';
import type { CreateSearchOptions, Search } from '../../src/search/search-interface.ts';
import { wordEmbedder, type ServedTable } from './served-table.ts';

export const LEGACY_BREAD = ['3', '6', '9'];
/** By falling cosine: the vectors of these rows lie nearest to the axis of bread. */
export const VECTOR_BREAD = ['2', '5', '8'];

export const keys = async (search: Search, text = 'bread', options = {}): Promise<string[]> =>
  (await search.search(text, { k: 3, ...options })).hits.map(({ key }) => key);

export class ServedSearches {
  /** Of a clock that stands still until it is moved, ms: no read mode grows old by itself. */
  time = 0;
  readonly #opened: Search[] = [];

  open({ pool }: ServedTable, options: Partial<CreateSearchOptions> = {}): Search {
    const search = createSearch({
      pool,
      backfill: 'things',
      embedder: wordEmbedder(),
      clock: { now: () => this.time },
      ...options,
    });
    this.#opened.push(search);
    return search;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((search) => search.close()));
  }
}
