import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchPage } from '../../src/dashboard/pages/search-page.ts';
import { PageSearch, type SearchResult } from '../../src/dashboard/page-search.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

describe.each(databases())('the search page on $name', ({ create }) => {
  const model = sampleModel();
  let backfill: TestBackfill;
  const ask = async (legacySearch?: string): Promise<SearchResult> => {
    const { pool, config } = backfill;
    const settings = { ...config.settings, legacySearch };
    const search = new PageSearch({
      pool,
      backfill: config.backfill,
      settings,
      logger: silentLogger,
      open: (wanted) => openEmbedder(wanted, 1),
    });
    try {
      return await search.ask({ text: 'bicycle', k: 5, filter: '' });
    } finally {
      await search.close();
    }
  };
  beforeAll(async () => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'public.articles',
      BACKFILL_TEXT: 'title,body',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.enqueue();
    await backfill.work();
  });
  afterAll(async () => {
    await backfill.close();
  });

  it('shows the text of rows, plans and the words of the server to whoever may read rows', async () => {
    const result = await ask();
    if ('trouble' in result) throw new Error(result.trouble);
    const { vector, legacy, sql } = result.answer;
    expect(vector).toHaveLength(5);
    for (const { title } of [...vector, ...legacy]) expect(title).not.toBe('');
    expect(sql.legacy.plan).toContain('cost=');
    expect(sql.vector.sql).toContain('ORDER BY');
    // A vector of hundreds of numbers helps nobody.
    expect(sql.vector.plan).not.toMatch(/\[[-\d., e]{40,}\]/);
    const titles = articles().map(({ title }) => title);
    const input = {
      backfill: 'articles',
      filters: [],
      query: { text: 'x', k: 5, filter: '' },
      judging: null,
    };
    const page = (await searchPage({ ...input, result })).toString();
    expect(titles.some((title) => page.includes(title))).toBe(true);
    const told = await ask(`SELECT title::int FROM articles WHERE $1 <> '' LIMIT $2`);
    expect(told).toMatchObject({ answer: { legacyFault: expect.stringContaining('SQLSTATE 22P02') } });
  });
});
