/** The sample's articles with a run that is ready, as tests of reads begin. */

import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import type { Search } from '../../src/search/search-interface.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import type { TestDatabase } from '../setup/databases.ts';
import type { TestModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

export const QUERY = 'bicycle with a flat tyre';

export async function openArticles(
  database: TestDatabase,
  model: TestModel,
  options: Record<string, string> = {},
): Promise<TestBackfill> {
  const backfill = await openBackfill(database, model, {
    BACKFILL_TABLE: 'articles',
    BACKFILL_TEXT: 'title,body',
    BACKFILL_WHERE: "status <> 'draft'",
    ...options,
  });
  await loadArticles(backfill.pool, articles());
  await backfill.enqueue();
  await backfill.work();
  return backfill;
}

/** Asks until the mode is that: a change is seen by asking, within the bound of the client. */
export const askUntil = (search: Search | null, mode: string): ReturnType<Search['search']> =>
  until(`searches are in mode ${mode}`, async () => {
    const answer = await search?.search(QUERY, { k: 5 });
    return answer?.mode === mode && answer;
  });
