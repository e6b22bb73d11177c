/** An application behind PgBouncer in transaction mode: `createSearch` needs nothing of a session. */

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { READ_MODE_SEEN_SECONDS, createSearch } from '../../src/search/create-search.ts';
import { readSummary } from '../../src/ledger/reads/read-stats.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../setup/pgbouncer.ts';
import { until } from '../setup/until.ts';
import { LEGACY_BREAD, VECTOR_BREAD, keys } from '../search/served-searches.ts';
import { openServedTable, wordEmbedder, type ServedTable } from '../search/served-table.ts';
import { applicationPool } from '../setup/application-pool.ts';

/** Server connections of the pooler, fewer than the searches at once. */
const SERVERS = 3;
const AT_ONCE = 24;
/** What PgBouncer itself sets for the client that has the connection is none that a search has left. */
const LEFT = `SELECT name || ' = ' || setting AS left FROM pg_settings WHERE source = 'session'
     AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone', 'standard_conforming_strings') AND name NOT LIKE 'transaction%'
  UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements`;

describe.runIf(hasPostgres() && hasPgBouncer())('createSearch behind PgBouncer in transaction mode', () => {
  let table: ServedTable;
  let bouncer: PgBouncer;
  let pool: pg.Pool;
  beforeAll(async () => {
    table = await openServedTable(await realDatabase());
    bouncer = await startPgBouncer(table.url, 'transaction', SERVERS);
    pool = applicationPool(bouncer.url, AT_ONCE);
  });
  afterAll(async () => {
    await pool.end();
    await bouncer.close();
    await table.close();
  });

  it('answers in every mode, filters, counts shadow reads, and leaves nothing behind', async () => {
    let time = 0;
    const search = createSearch({
      pool,
      backfill: 'things',
      embedder: wordEmbedder(),
      clock: { now: () => time },
    });
    const language = { filter: 'language', k: 3 };
    const found: Record<string, [string[], string[]]> = {};
    for (const mode of ['legacy', 'shadow', 'canary', 'vector', 'hybrid'] as const) {
      await table.set({ mode, percent: mode === 'canary' ? 100 : null });
      time += READ_MODE_SEEN_SECONDS * 1000;
      const all = await Promise.all(Array.from({ length: AT_ONCE }, () => keys(search)));
      for (const each of all) expect(each, mode).toEqual(all[0]);
      const filtered = mode === 'legacy' || mode === 'shadow' ? [] : await keys(search, 'bread', language);
      found[mode] = [all[0] ?? [], filtered];
    }
    const german = ['2', '8', '14'];
    expect(found).toMatchObject({
      legacy: [LEGACY_BREAD, []],
      shadow: [LEGACY_BREAD, []],
      canary: [VECTOR_BREAD, german],
      vector: [VECTOR_BREAD, german],
    });
    expect(found['hybrid']?.[0]).toHaveLength(3);
    expect(await search.ready()).toMatchObject({ model: 'words', reported: true });
    await search.close();
    const summary = await until('the shadow reads are counted', async () => {
      const read = await readSummary(table.pool, 'things');
      return read.shadow.searches > 0 ? read : null;
    });
    expect(summary).toMatchObject({
      shadow: { errors: 0, timeouts: 0 },
      canary: { vector: AT_ONCE + 1, errors: 0 },
    });
    const clients = Array.from({ length: SERVERS }, () => new pg.Client({ connectionString: bouncer.url }));
    for (const client of clients) {
      await client.connect();
      await client.query('BEGIN');
      expect((await client.query(LEFT)).rows).toEqual([]);
    }
    await Promise.all(clients.map((client) => client.end()));
  });

  it('has a change of the read mode answered by it, without LISTEN, by a process that goes by its own clock', async () => {
    await table.set({ mode: 'legacy', percent: null });
    const search = createSearch({ pool, backfill: 'things', embedder: wordEmbedder() });
    expect(await keys(search)).toEqual(LEGACY_BREAD);
    await table.set({ mode: 'vector', percent: null });
    const changed = performance.now();
    await until('the mode is seen', async () => (await keys(search)).join() === VECTOR_BREAD.join());
    expect(performance.now() - changed).toBeLessThan(READ_MODE_SEEN_SECONDS * 1000);
    await search.close();
  });
});
