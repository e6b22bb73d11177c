/** Vectors of searches, where the operator wants them kept: few, without their words, and for a time. */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { randomBytes } from 'node:crypto';
import { createPool, type Pool } from '../../src/db/pool.ts';
import type { WatchPass } from '../../src/ledger/passes/watch-pass.ts';
import { forgetQueries, someQueries } from '../../src/ledger/passes/watch-query.ts';
import { saveReadMode } from '../../src/ledger/reads/read-mode.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createSearch } from '../../src/search/create-search.ts';
import type { Search } from '../../src/search/search-interface.ts';
import { REPEATED_TEXTS, openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { dropRole, hasPostgres, realDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

const MINUTE = 60_000;

describe.runIf(hasPostgres())('recorded searches', () => {
  const role = `app_${randomBytes(4).toString('hex')}`;
  let backfill: TestBackfill;
  let app: Pool;
  let search: Search;
  let now = 0;
  const warnings: string[] = [];
  const kept = async (): Promise<number> =>
    (await backfill.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM pgvector_backfill.watch_query'))
      .rows[0]?.n ?? 0;

  beforeAll(async () => {
    const database = await realDatabase();
    backfill = await openBackfill(database, sampleModel(), {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_WATCH_KEEP_QUERIES: 'true',
      BACKFILL_WATCH_ROWS: '5',
      ...REPEATED_TEXTS,
    });
    const { pool, config } = backfill;
    await createDocs(pool, 60);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready' });
    await saveReadMode(pool, 'docs', { mode: 'vector', percent: null }, { by: 'test', reason: '' });
    // The rights of docs/cutover.md.
    await pool.query(`
      CREATE ROLE ${role} LOGIN PASSWORD '${role}';
      GRANT USAGE ON SCHEMA public, pgvector_backfill TO ${role}; GRANT SELECT ON docs TO ${role};
      GRANT SELECT ON pgvector_backfill.backfill, pgvector_backfill.run, pgvector_backfill.read_mode TO ${role};
      GRANT SELECT, INSERT, UPDATE ON pgvector_backfill.read_stats, pgvector_backfill.read_times, pgvector_backfill.read_report TO ${role}`);
    const url = new URL(database.databaseUrl);
    url.username = url.password = role;
    app = createPool(url.href, { name: 'test', max: 4, logger: silentLogger });
    search = createSearch({
      pool: app,
      backfill: 'docs',
      embedder: await sharedEmbedder(config.settings, 1),
      clock: { now: () => now },
    });
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)));
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await search.close();
    await app.end();
    await backfill.close();
    await dropRole(backfill.env['DATABASE_URL'] ?? '', role);
  });

  it('say once what right is missing, and searches go on', async () => {
    expect((await search.search('bread and yeast')).hits).toHaveLength(10);
    await until('it was told', () => warnings.length > 0);
    expect(warnings).toEqual([
      expect.stringContaining('GRANT INSERT ON pgvector_backfill.watch_query') as string,
    ]);
    now += MINUTE;
    await search.search('bread and yeast');
    expect(await kept()).toBe(0);
  });

  it('are one a minute at most, by a role that cannot read them', async () => {
    await backfill.pool.query(`GRANT INSERT ON pgvector_backfill.watch_query TO ${role}`);
    now += 11 * MINUTE;
    for (let each = 0; each < 5; each++) await search.search(`dough ${each}`);
    await until('one is kept', async () => (await kept()) === 1);
    now += MINUTE;
    // Whether a machine is ready is nobody's search.
    await search.ready();
    await search.search('yeast');
    await until('another one is kept', async () => (await kept()) === 2);
    expect(warnings).toHaveLength(1);
    await expect(app.query('SELECT FROM pgvector_backfill.watch_query')).rejects.toThrow('permission denied');
    const { rows } = await backfill.pool.query<{ text: string }>(
      `SELECT string_agg(w::text, ' ') AS text FROM pgvector_backfill.watch_query w`,
    );
    expect(rows[0]?.text).not.toMatch(/dough|yeast/);
  });

  it('are asked again in a pass, apart from the rows; what is no vector of the model is not', async () => {
    const { fingerprint, dimensions } = await backfill.run();
    await backfill.pool.query(
      `INSERT INTO pgvector_backfill.watch_query (backfill, fingerprint, vector)
       VALUES ('docs', $1, '{1,2}'), ('docs', 'other', array_fill(1::real, ARRAY[$2::int])), ('docs', $1, array_fill('NaN'::real, ARRAY[$2::int])),
              ('docs', $1, array_fill(NULL::real, ARRAY[$2::int]))`,
      [fingerprint, dimensions],
    );
    expect(await someQueries(backfill.pool, { backfill: 'docs', fingerprint }, dimensions, 10)).toHaveLength(
      2,
    );
    const done = await runCommand('watch', ['--json'], backfill.env);
    expect((done.json() as WatchPass).result.points[0]?.recall).toMatchObject({
      rows: { queries: 5 },
      queries: { queries: 2, recall: 1 },
    });
    expect((await runCommand('watch', [], backfill.env)).stdout).toContain('2 queries) of recorded searches');
  });

  it('are forgotten after their time, and all of them once they are not wanted', async () => {
    const { pool } = backfill;
    await pool.query(
      `UPDATE pgvector_backfill.watch_query SET asked_at = now() - interval '40 days' WHERE id = (SELECT min(id) FROM pgvector_backfill.watch_query)`,
    );
    const before = await kept();
    await forgetQueries(pool, 'docs', 30);
    expect(await kept()).toBe(before - 1);
    await forgetQueries(pool, 'docs', 0);
    expect(await kept()).toBe(0);
  });
});
