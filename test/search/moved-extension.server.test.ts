/** pgvector moves to another schema under a running application, as hosted databases advise. */

import { afterEach, describe, expect, it } from 'vitest';
import { planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { createSearch } from '../../src/search/create-search.ts';
import type { Search, SearchResult } from '../../src/search/search-interface.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { checkSqlFunction } from '../../src/verify/checks/sql-function.ts';
import { databases } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';

let table: ServedTable;
const searches: Search[] = [];
afterEach(async () => {
  await Promise.all(searches.splice(0).map((search) => search.close()));
  await table.close();
});

describe.each(databases())('an extension that moves on $name', ({ create }) => {
  it('is found again by searches that are up, in every mode; the gate calls the function in SQL', async () => {
    table = await openServedTable(await create());
    const { pool } = table;
    const asks: (() => Promise<SearchResult>)[] = [];
    const before: SearchResult[] = [];
    for (const mode of ['vector', 'hybrid', 'canary'] as const) {
      await table.set({ mode, percent: mode === 'canary' ? 100 : null });
      // The clock stands still: each stays with the mode and the names that it has seen.
      const clock = { now: () => 0 };
      const search = createSearch({ pool, backfill: 'things', embedder: wordEmbedder(), clock });
      searches.push(search);
      for (const filter of [{}, { filter: 'language' }]) {
        const ask = () => search.search('bread', { k: 3, ...filter });
        asks.push(ask);
        const answer = await ask();
        expect(answer).toMatchObject({ mode, fallback: null });
        before.push(answer);
      }
    }
    const settings = await makeSettings({ table: 'things', text: 'body' });
    const context = async () => ({
      pool,
      target: await describeTarget(pool, 'things', settings),
      settings,
      read: {},
    });
    const cutover = async (): Promise<void> => {
      const { target, ...rest } = await context();
      const plan = await planSearchFunction(rest.pool, target, 'cosine', await settingsOfReads(pool, target));
      for (const sql of plan.statements) await pool.query(sql);
    };
    expect(await checkSqlFunction(await context(), '[1,0,0]', 30)).toEqual([]);
    await cutover();
    expect(await checkSqlFunction(await context(), '[1,0,0]', 30)).toMatchObject([
      { passed: true, value: 10 },
    ]);

    await pool.query('CREATE SCHEMA extensions; ALTER EXTENSION vector SET SCHEMA extensions');
    expect(await Promise.all(asks.map((ask) => ask()))).toEqual(before);
    await pool.query('ALTER SCHEMA extensions RENAME TO elsewhere');
    expect(await Promise.all(asks.map((ask) => ask()))).toEqual(before);

    expect(await checkSqlFunction(await context(), '[1,0,0]', 30)).toMatchObject([
      {
        name: 'search-function',
        passed: false,
        detail: expect.stringContaining('does not exist') as string,
        remedy: expect.stringContaining('cutover --to canary:100 --execute') as string,
      },
    ]);
    await cutover();
    expect(await checkSqlFunction(await context(), '[1,0,0]', 30)).toMatchObject([{ passed: true }]);
  });
});
