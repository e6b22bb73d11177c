/** `complete --generation 1`: the storage that reads have left goes, under live writes, and nothing of the live one is touched. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { LEGACY_BASE } from '../../../src/ledger/reads/read-mode.ts';
import { readModeOf } from '../../../src/ledger/reads/read-mode.ts';
import { refusedByReads } from '../../../src/cutover/generation/in-use.ts';
import { recentScans } from '../../../src/cutover/generation/recent-scans.ts';
import type { Queryable } from '../../../src/db/pool.ts';
import { databases, hasPostgres } from '../../setup/databases.ts';
import { openGenerations, type TwoGenerations } from './two-generations.ts';

let two: TwoGenerations;

const LIVE_2 = { mode: 'vector', percent: null, generation: 2 } as const;

/** Both are ready, and reads went from the first one to the second. */
async function movedOver(): Promise<void> {
  const [backend] = databases();
  two = await openGenerations(await (backend as NonNullable<typeof backend>).create());
  await two.plan(1);
  await two.plan(2);
  await two.reads({ ...LIVE_2, base: { mode: 'vector', generation: 1 } });
}

const one = async (sql: string, ...values: unknown[]): Promise<unknown> =>
  Object.values((await two.pool.query<Record<string, unknown>>(sql, values)).rows[0] ?? {})[0];

/** What of the live generation must stay as it is: its triggers, its index, what the ledger has of it. */
const ofTheLiveOne = async (): Promise<unknown[]> =>
  Promise.all([
    one(
      `SELECT jsonb_agg(to_jsonb(b) - 'updated_at') FROM pgvector_backfill.backfill b WHERE name = 'docs@2'`,
    ),
    one(`SELECT jsonb_agg(to_jsonb(r)) FROM pgvector_backfill.run r WHERE backfill = 'docs@2'`),
    one(
      `SELECT jsonb_agg(to_jsonb(b) ORDER BY number) FROM pgvector_backfill.batch b WHERE run IN (SELECT id FROM pgvector_backfill.run WHERE backfill = 'docs@2')`,
    ),
    one(
      `SELECT jsonb_build_array(mode, token, sweep_wanted, capture_fault) FROM pgvector_backfill.sync WHERE backfill = 'docs@2'`,
    ),
    one(`SELECT pg_relation_filenode('docs_embedding_2_hnsw_idx')`),
    one(
      `SELECT md5(string_agg(id || ':' || embedding_2::text, ',' ORDER BY id)) FROM docs WHERE id <= 60 AND embedding_2 IS NOT NULL`,
    ),
    one(
      `SELECT jsonb_agg(jsonb_build_array(tgname, tgenabled) ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'docs'::regclass`,
    ),
  ]);

describe.runIf(hasPostgres())('complete --generation', () => {
  afterEach(() => two.close());

  it('drops the old storage under live writes, gives its bytes back, and leaves no gap in the capture of the live one', async () => {
    await movedOver();
    const { pool, verb } = two;
    const before = await ofTheLiveOne();
    const index = await one(`SELECT pg_relation_size('docs_embedding_hnsw_idx')::int`);
    const staging = await one(`SELECT pg_total_relation_size('pgvector_backfill.docs_embedding_stage')::int`);

    const printed = await verb('complete', '--generation', '1');
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.json()).toMatchObject({
      action: 'complete',
      backfill: 'docs',
      generation: 1,
      from: 'ready',
      to: 'dropped',
      executed: false,
      plan: expect.arrayContaining([
        'reads stay vector of generation 2; a rollback leads to the legacy search from then on, not to generation 1',
        'DROP INDEX CONCURRENTLY IF EXISTS "public"."docs_embedding_hnsw_idx";',
        'ALTER TABLE "public"."docs" DROP COLUMN IF EXISTS "embedding", DROP COLUMN IF EXISTS "embedding_updated_at";',
        'DROP TABLE IF EXISTS "pgvector_backfill"."docs_embedding_stage";',
      ]) as unknown,
      notes: expect.arrayContaining([expect.stringContaining('VACUUM (FULL)')]) as unknown,
      // 60 vectors of 8 dimensions and as many timestamps.
      bytes: { index, staging, column: 60 * (8 + 4 * 8 + 8), freed: null },
    });
    expect(await ofTheLiveOne()).toEqual(before);

    const written: number[] = [];
    const stopped = new AbortController();
    const writing = (async () => {
      for (let id = 1001; !stopped.signal.aborted; id++) {
        await pool.query('INSERT INTO docs VALUES ($1, $2)', [id, `bread of the day ${id}`]);
        written.push(id);
        await delay(2);
      }
    })();
    const done = await verb('complete', '--generation', '1', '--execute', '--reason', 'two weeks are over');
    stopped.abort();
    await writing;
    expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
    expect(done.json()).toMatchObject({ executed: true, bytes: { freed: { index, staging } } });
    expect(written.length).toBeGreaterThan(20);
    expect(await ofTheLiveOne()).toEqual(before);
    const captured = await pool.query<{ key: string }>(
      `SELECT key FROM pgvector_backfill.change WHERE backfill = 'docs@2'`,
    );
    expect(new Set(captured.rows.map(({ key }) => key))).toEqual(new Set(written.map(String)));

    expect(await one(`SELECT count(*)::int FROM pgvector_backfill.change WHERE backfill = 'docs'`)).toBe(0);
    expect(
      await one(
        `SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0 AND NOT attisdropped`,
      ),
    ).toBe('id body embedding_2 embedding_2_updated_at');
    expect(
      await one(
        `SELECT to_regclass('docs_embedding_hnsw_idx')::text || to_regclass('pgvector_backfill.docs_embedding_stage')::text`,
      ),
    ).toBeNull();
    expect(await readModeOf(pool, 'docs')).toMatchObject({ ...LIVE_2, base: LEGACY_BASE });
    expect(
      await one(
        `SELECT jsonb_build_array(dropped_at IS NOT NULL, added_columns) FROM pgvector_backfill.backfill WHERE name = 'docs'`,
      ),
    ).toEqual([true, []]);
    expect(await one(`SELECT count(*)::int FROM pgvector_backfill.run WHERE backfill = 'docs'`)).toBe(0);
    const events = await pool.query(
      `SELECT DISTINCT kind FROM pgvector_backfill.event WHERE backfill = 'docs@2' AND at > now() - interval '1 minute' AND kind IN ('generation.dropped', 'sync.rearmed', 'sync.missed')`,
    );
    expect(events.rows).toEqual([{ kind: 'generation.dropped' }]);

    // There is nothing left to do, and the live one can be completed now.
    expect((await verb('complete', '--generation', '1', '--execute')).json()).toMatchObject({
      from: 'dropped',
      plan: [],
    });
    await pool.query(`UPDATE pgvector_backfill.run SET state = 'cut_over' WHERE backfill = 'docs@2'`);
    expect((await verb('complete')).json()).toMatchObject({ generation: 2, to: 'completed' });
    // The way back is there as long as the other one is.
    expect((await verb('rollback', '--to-legacy-schema', '--execute')).code).toBe(0);
    const left = await pool.query(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0 AND NOT attisdropped
       UNION SELECT nspname FROM pg_namespace WHERE nspname = 'pgvector_backfill' ORDER BY 1`,
    );
    expect(left.rows).toEqual([{ name: 'body' }, { name: 'id' }]);
  });
});

describe.runIf(hasPostgres())('complete --generation refuses', () => {
  beforeAll(movedOver);
  afterAll(() => two.close());

  it('what reads use, and the end of the live one while another is there', async () => {
    const { pool, verb, reads } = two;
    await pool.query(`UPDATE pgvector_backfill.run SET state = 'cut_over'`);
    const refusal = async (generation: 1 | 2): Promise<string | undefined> =>
      (await refusedByReads(pool, two.configs[generation].backfill, 'complete'))?.code;
    const live = await verb('complete', '--execute');
    expect({ code: live.code, json: live.json() }).toMatchObject({
      code: 3,
      json: {
        error: {
          code: 'GENERATION_OPEN',
          remedy: expect.stringContaining('complete --generation 1') as string,
        },
      },
    });
    const trial = { percent: null, generation: 2, base: { mode: 'vector', generation: 1 } } as const;
    for (const choice of [
      { ...trial, mode: 'shadow' },
      { ...trial, mode: 'canary', percent: 10 },
    ] as const) {
      await reads(choice);
      expect([await refusal(1), await refusal(2)]).toEqual(['GENERATION_IN_USE', 'GENERATION_IN_USE']);
    }
    await reads({ mode: 'legacy', percent: null });
    expect(await refusal(1)).toBe('NOT_CUT_OVER');
    await reads({ ...LIVE_2, base: { mode: 'vector', generation: 1 } });
    expect((await verb('complete', '--generation', '1', '--keep-sync')).code).toBe(2);
  });

  it('while something is built on its columns, and names each with what to do', async () => {
    const { pool, verb } = two;
    await pool.query('CREATE VIEW nearest AS SELECT id, embedding FROM docs');
    await pool.query('CREATE MATERIALIZED VIEW copied AS SELECT embedding FROM docs LIMIT 1');
    await pool.query(
      `CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(embedding) FROM docs; END`,
    );
    await pool.query(
      'ALTER TABLE docs ADD COLUMN has_vector boolean GENERATED ALWAYS AS (embedding IS NOT NULL) STORED',
    );
    await pool.query(
      'ALTER TABLE docs ADD CONSTRAINT has_text CHECK (embedding IS NULL OR body IS NOT NULL)',
    );
    await pool.query('CREATE INDEX docs_undone_idx ON docs (id) WHERE embedding IS NULL');
    await pool.query('CREATE PUBLICATION vectors FOR TABLE docs (id, embedding)');
    await pool.query('CREATE VIEW unrelated AS SELECT id, embedding_2 FROM docs');
    const refused = await verb('complete', '--generation', '1', '--execute', '--override', 'nobody needs it');
    expect(refused.code).toBe(3);
    const { error } = refused.json() as { error: { code: string; message: string } };
    expect(error.code).toBe('GENERATION_IN_USE');
    for (const named of [
      'view public.nearest (make it read another column, or DROP VIEW public.nearest)',
      'materialized view public.copied',
      'function public.counted()',
      'generated column public.docs.has_vector',
      'table constraint has_text on public.docs',
      'index public.docs_undone_idx',
      'publication relation public.docs in publication vectors',
    ])
      expect(error.message).toContain(named);
    expect(error.message).not.toContain('unrelated');
    expect(error.message).not.toContain('hnsw');
    expect(await one(`SELECT state FROM pgvector_backfill.run WHERE backfill = 'docs'`)).toBe('cut_over');
    await pool.query(
      'DROP VIEW nearest, unrelated; DROP MATERIALIZED VIEW copied; DROP FUNCTION counted; ALTER TABLE docs DROP COLUMN has_vector, DROP CONSTRAINT has_text; DROP INDEX docs_undone_idx; DROP PUBLICATION vectors',
    );
    expect((await verb('complete', '--generation', '1')).code).toBe(0);
  });

  it('while there are signs that somebody asks by it, and goes on for a reason', async () => {
    const { pool, verb } = two;
    const says = async (): Promise<string> =>
      ((await verb('complete', '--generation', '1')).json() as { error?: { message: string } }).error
        ?.message ?? '';
    expect(await says()).toBe('');
    const report = (backfill: string, host: string, fault: string | null, hours: number): Promise<unknown> =>
      pool.query(
        `INSERT INTO pgvector_backfill.read_report (backfill, host, fingerprint, fault, ms, reported_at) VALUES ($1, $2, 'f', $3, 1, now() - $4 * interval '1 hour')`,
        [backfill, host, fault, hours],
      );
    // One that tries both when it starts, the live one first; and one that was there before the second one was.
    await report('docs@2', 'starts', null, 4.05);
    await report('docs', 'starts', null, 4);
    await report('docs', 'moved', null, 5);
    await report('docs@2', 'moved', null, 4);
    await report('docs', 'gone', null, 30);
    expect(await says()).toBe('');
    // Another package since.
    await report('docs@2', 'old', null, 9);
    await report('docs', 'old', null, 3);
    await report('docs@2', 'poor', 'MODEL_MISSING', 2);
    await pool.query(
      `CREATE FUNCTION asks(vector) RETURNS SETOF bigint LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT id FROM docs ORDER BY embedding <=> $1 LIMIT 3; END $$`,
    );
    const found = await says();
    expect(found).toContain('the application on old was ready for it 3.0 h ago');
    expect(found).toContain('the application on poor cannot answer by generation 2 (MODEL_MISSING)');
    expect(found).toContain('the source of function public.asks(');
    for (const silent of ['starts', 'moved', 'gone', 'scanned']) expect(found).not.toContain(silent);

    const scan = async (): Promise<void> => {
      const client = await pool.connect();
      await client.query(
        `BEGIN; SET LOCAL enable_seqscan = off; SELECT id FROM docs ORDER BY embedding <=> '[1,0,0,0,0,0,0,0]' LIMIT 1; COMMIT`,
      );
      await client.query('SELECT pg_stat_force_next_flush()');
      client.release();
    };
    await scan();
    // As a server before PostgreSQL 16, which counts and tells no time.
    const earlier: Queryable = {
      query: (sql: string, values?: unknown[]) =>
        sql.includes('server_version_num')
          ? (scan().then(() => ({ rows: [{ tells: false }] })) as never)
          : pool.query(sql, values),
    };
    const index = { schema: 'public', name: 'docs_embedding_hnsw_idx', isPartitioned: false };
    expect(await recentScans(earlier, [index], Infinity, 1)).toEqual([
      expect.stringContaining('was scanned 1 times in') as string,
    ]);
    if (Number(await one('SHOW server_version_num')) >= 160_000)
      expect(await says()).toMatch(/index "public"."docs_embedding_hnsw_idx" was scanned \d+ s ago \(/);

    const done = await verb(
      'complete',
      '--generation',
      '1',
      '--execute',
      '--override',
      'old is switched off',
    );
    expect(done).toMatchObject({ code: 0 });
    expect(
      await one(
        `SELECT detail ->> 'override' FROM pgvector_backfill.event WHERE kind = 'generation.dropped' LIMIT 1`,
      ),
    ).toBe('old is switched off');
    expect(
      await one(`SELECT detail ->> 'signs' FROM pgvector_backfill.event WHERE kind = 'generation.ending'`),
    ).toContain('the application on old');
  });
});
