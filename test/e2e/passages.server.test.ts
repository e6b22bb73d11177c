/** Every passage of a text has a vector, beside the table: the whole road, by workers and verbs. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges, expectSynced } from '../setup/synced.ts';
import { until } from '../setup/until.ts';
import { QUERY, askUntil } from './articles-run.ts';

describe.each(databases())('passages beside the table, on $name', ({ create }) => {
  let backfill: TestBackfill;
  beforeEach(async () => {
    backfill = await openBackfill(await create({ bare: true }), sampleModel(), {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_STORE: 'table',
      BACKFILL_MODEL_LONG_TEXT: 'chunks',
      BACKFILL_MODEL_CHUNK_TOKENS: '24',
      BACKFILL_MODEL_CHUNK_OVERLAP: '4',
      BACKFILL_BATCH_ROWS: '60',
    });
    await loadArticles(backfill.pool, articles());
    await backfill.pool.query('ANALYZE articles');
  });
  afterEach(() => backfill.close());

  const run = (verb: string, ...args: string[]): ReturnType<typeof runCommand> =>
    runCommand(verb, [...args, '--json'], backfill.env);

  it('are planned, embedded, indexed, proved, searched and followed', async () => {
    const { pool } = backfill;
    await backfill.enqueue();
    const planned = (await run('enqueue', '--dry-run')).json() as {
      forecast: { passages: { perRow: number } };
    };
    const snapshot = await backfill.work();
    expect(snapshot).toMatchObject({ state: 'ready', index: { valid: true } });
    await expectSynced(backfill);
    const passages = async (): Promise<number> =>
      (await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM articles_embedding')).rows[0]?.n ?? 0;
    const { rows } = snapshot;
    expect(rows.passages).toBe(await passages());
    expect(rows.passages).toBeGreaterThan(2 * rows.embedded);
    expect(Math.abs((planned.forecast.passages.perRow * rows.embedded) / rows.passages - 1)).toBeLessThan(
      0.1,
    );
    // A forecast of as many vectors as there are: pages of the index, not of the rows.
    const { forecast, actual } = snapshot.index;
    expect(Math.abs((forecast?.sizeBytes ?? 0) / (actual?.sizeBytes ?? 1) - 1)).toBeLessThan(0.15);
    expect((await runCommand('status', [], backfill.env)).stdout).toContain(
      `${rows.passages.toLocaleString('en')} passages of the embedded rows`,
    );

    const verify = await run('verify');
    const { passed, checks } = verify.json() as {
      passed: boolean;
      checks: { name: string; passed: boolean; detail: string }[];
    };
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect(passed).toBe(true);

    expect((await run('cutover', '--to', 'vector', '--execute')).code).toBe(0);
    const search = createSearch({ pool, backfill: 'articles' });
    try {
      for (const k of [5, 100]) {
        const answer = k === 5 ? await askUntil(search, 'vector') : await search.search(QUERY, { k });
        expect(new Set(answer.hits.map(({ key }) => key)).size).toBe(k);
      }
      const { hits } = await search.search(QUERY, { k: 5, passageText: true });
      const own = await pool.query<{ text: string }>(
        `SELECT concat_ws(chr(10), title, body) AS text FROM articles WHERE id = $1`,
        [hits[0]?.key],
      );
      const passage = hits[0]?.passage;
      expect(passage?.text).toBe(own.rows[0]?.text.slice(passage?.start, passage?.end));
      const shown = (await run('search', '--passages', '--k', '1', QUERY)).json() as {
        vector: { key: string; passage: unknown }[];
      };
      expect(shown.vector).toMatchObject([{ key: hits[0]?.key, passage }]);
      await pool.query(`UPDATE articles SET body = body || ' A last sentence about bread.' WHERE id % 5 = 1`);
      await drainChanges(backfill);
      await expectSynced(backfill);
      await until(
        'the edited rows are counted again',
        async () => (await backfill.snapshot()).rows.passages === (await passages()),
      );
    } finally {
      await search.close();
    }
    expect((await run('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
    expect((await pool.query(`SELECT to_regclass('articles_embedding') AS beside`)).rows).toEqual([
      { beside: null },
    ]);
  });
});
