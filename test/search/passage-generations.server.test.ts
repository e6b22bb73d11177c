/** Reads between vectors of rows in a column and those of their passages beside the table: each answer of one of the two. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withValues } from '../../src/config/shape.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import type { WantedReads } from '../../src/ledger/reads/read-mode.ts';
import { readSummary } from '../../src/ledger/reads/read-stats.ts';
import { createRun } from '../../src/ledger/run/run.ts';
import { scopeOf } from '../../src/ledger/run/scope.ts';
import type { SearchHit } from '../../src/search/read-modes.ts';
import type { Search } from '../../src/search/search-interface.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { makeSettings } from '../table/make-target.ts';
import { LEGACY_BREAD, ServedSearches, VECTOR_BREAD, keys } from './served-searches.ts';
import { openServedTable, wordEmbedder, type ServedTable } from './served-table.ts';
import { FIRST, SECOND, SECOND_BREAD, VECTOR_1, secondEmbedder } from './two-models.ts';

/** Beside the table, as `enqueue` keeps its options. */
const PASSAGES = { store: 'table', 'model-long-text': 'chunks', column: 'embedding_2' };

/**
 * Two passages of each row: "bread" and the like at 0, which is far from every query, and the number behind it, whose vector is that
 * of another word, turned a little by the row's number.
 */
async function addPassages({ pool }: ServedTable): Promise<void> {
  await pool.query(
    `CREATE TABLE things_embedding_2 (id bigint NOT NULL, chunk integer NOT NULL, chunk_start integer NOT NULL, chunk_end integer NOT NULL,
       embedding vector(5) NOT NULL, text_hash bytea NOT NULL, chunk_hash bytea, embedded_at timestamptz NOT NULL, PRIMARY KEY (id, chunk));
     INSERT INTO things_embedding_2
     SELECT t.id, c, CASE c WHEN 0 THEN 0 ELSE position(' ' IN t.body) END, CASE c WHEN 0 THEN position(' ' IN t.body) - 1 ELSE length(t.body) END,
            CASE WHEN c = 0 THEN '[0,0,0,1,0]'::vector
                 ELSE format(CASE t.id % 3 WHEN 0 THEN '[1,%s,0,0,0]' WHEN 1 THEN '[0,%s,1,0,0]' ELSE '[0,%s,0,0,1]' END, t.id / 100.0)::vector END,
            '\\x00', '\\x00', now()
       FROM things t CROSS JOIN generate_series(0, 1) c;
     CREATE INDEX things_embedding_2_hnsw_idx ON things_embedding_2 USING hnsw (embedding vector_cosine_ops);
     ANALYZE things_embedding_2`,
  );
  const settings = await makeSettings({ table: 'things', text: 'body', ...PASSAGES });
  const first = await pool.query<{ settings: Record<string, unknown> }>(
    `SELECT settings FROM pgvector_backfill.backfill WHERE name = 'things'`,
  );
  const { search, legacySearch } = first.rows[0]?.settings ?? {};
  const { database: _, queue: __, ...stored } = settings;
  const target = await describeTarget(pool, 'things@2', settings);
  await saveBackfill(pool, target, withValues(stored, Object.entries({ search, legacySearch })));
  const { fingerprint, model, dimensions } = secondEmbedder();
  const scope = scopeOf(stored);
  const run = await createRun(pool, 'things@2', { fingerprint, model, dimensions, batchRows: 10, scope });
  await pool.query(`UPDATE pgvector_backfill.run SET state = 'ready' WHERE id = $1`, [run.id]);
}

describe.runIf(hasPostgres())('reads between rows in a column and passages beside the table', () => {
  let table: ServedTable;
  let search: Search;
  const served = new ServedSearches();
  const move = async (choice: WantedReads): Promise<void> => {
    await table.set(choice);
    served.time += 1000;
  };
  const bread = async (options = {}): Promise<SearchHit[]> =>
    (await search.search('bread', { k: 3, ...options })).hits;
  beforeEach(async () => {
    table = await openServedTable(await realDatabase());
    await addPassages(table);
    served.time = 0;
    search = served.open(table, { embedder: [wordEmbedder(), secondEmbedder()], shadowConcurrency: 10 });
  });
  afterEach(async () => {
    await served.close();
    await table.close();
  });

  it('in shadow, compares passages with what answers, and gives none', async () => {
    for (const base of [{ mode: 'legacy', percent: null } as const, FIRST]) {
      await move(
        base === FIRST
          ? { mode: 'shadow', percent: null, generation: 2, base: VECTOR_1 }
          : { mode: 'shadow', percent: null, generation: 2 },
      );
      const hits = await bread({ passageText: true });
      expect(hits.map(({ key }) => key)).toEqual(base === FIRST ? VECTOR_BREAD : LEGACY_BREAD);
      for (const hit of hits) expect(hit.passage).toBeUndefined();
    }
    await served.close();
    const { shadow } = await readSummary(table.pool, 'things@2');
    expect(shadow).toMatchObject({ searches: 2, errors: 0, timeouts: 0 });
  });

  it('in the canary, gives passages to those who are moved over, and to nobody else', async () => {
    for (const base of [VECTOR_1, { mode: 'hybrid', generation: 1 } as const]) {
      await move({ mode: 'canary', percent: 50, generation: 2, base });
      const seen = new Set<number | null>();
      for (let user = 0; user < 20; user++) {
        const { hits, generation, fallback } = await search.search('bread', { k: 3, key: `user ${user}` });
        seen.add(generation);
        expect(fallback).toBeNull();
        const found = hits.filter(({ distance }) => distance !== null);
        expect(found.length).toBeGreaterThan(0);
        for (const { passage } of found) expect(passage !== undefined).toBe(generation === 2);
      }
      expect(seen).toEqual(new Set([1, 2]));
    }
  });

  it('moved over, answers by passages with their places and texts, by a filter too, and comes back', async () => {
    await move(SECOND);
    const hits = await bread({ passageText: true });
    expect(hits.map(({ key }) => key)).toEqual(SECOND_BREAD);
    for (const { key, passage } of hits)
      expect(passage).toEqual({ number: 1, start: 6, end: 6 + key.length, text: key });
    const german = await bread({ filter: { name: 'language', values: ['de'] } });
    expect(german.map(({ key }) => key)).toEqual(['4', '10', '16']);
    await move({ mode: 'hybrid', percent: null, generation: 2, base: VECTOR_1 });
    const both = await bread({ k: 10 });
    expect(both).toHaveLength(10);
    for (const { distance, passage } of both) expect(passage !== undefined).toBe(distance !== null);
    expect(both.some(({ passage }) => passage?.number === 1)).toBe(true);
    await move(FIRST);
    expect(await keys(search)).toEqual(VECTOR_BREAD);
    expect((await bread())[0]?.passage).toBeUndefined();
  });
});
