/** Several backfills of one table: one function notes the changes of each, and whoever comes or goes leaves the others whole. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { saveBackfill } from '../../src/ledger/backfill/backfill.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { applyCapture, missingCapture } from '../../src/sync/capture.ts';
import { CAPTURE_TRIGGERS, earlierCaptureFunction } from '../../src/sync/capture-ddl.ts';
import { capturePrint } from '../../src/sync/capture-state.ts';
import { ensureCapture } from '../../src/sync/ensure-capture.ts';
import type { Target } from '../../src/table/backfill-target.ts';
import { DDL_LIMITS } from '../../src/db/transaction.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

describe.each(databases())('the triggers of a table with several backfills, on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 8, logger: silentLogger });
    await migrate(pool);
    await pool.query(
      `CREATE TABLE docs (id bigint PRIMARY KEY, ref uuid NOT NULL UNIQUE, title text, body text, views int DEFAULT 0,
         embedding text, embedding_updated_at timestamptz, title_vector text, title_vector_updated_at timestamptz)`,
    );
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const load = async (backfill: string, options: Record<string, string>) => {
    const env = { DATABASE_URL: database.databaseUrl, BACKFILL_TABLE: 'docs', ...options };
    const { settings } = await loadConfig({ flags: {}, env, cwd: '/', backfill });
    return { settings, target: await describeTarget(pool, backfill, settings) };
  };
  const bodies = (more = {}) => load('bodies', { BACKFILL_TEXT: 'body', ...more });
  const titles = (more = {}) =>
    load('titles', { BACKFILL_TEXT: 'title', BACKFILL_KEY: 'ref', BACKFILL_COLUMN: 'title_vector', ...more });
  const install = async ({ settings, target }: Awaited<ReturnType<typeof load>>): Promise<string> => {
    await saveBackfill(pool, target, { column: target.column, updatedAtColumn: target.updatedAtColumn });
    return applyCapture(pool, target, settings);
  };
  /** As a run that is there: what was missed asks for a sweep of it. */
  const begin = (backfill: string) =>
    pool.query(
      `INSERT INTO pgvector_backfill.run (backfill, fingerprint, model, dimensions, batch_rows) VALUES ($1, 'f', 'm', 3, 10)`,
      [backfill],
    );
  const noted = async (): Promise<string[]> => {
    const found = await pool.query<{ note: string }>(
      `WITH gone AS (DELETE FROM pgvector_backfill.change RETURNING id, backfill, key)
       SELECT concat(backfill, ' ', coalesce(key, 'all')) AS note FROM gone ORDER BY id`,
    );
    return found.rows.map(({ note }) => note);
  };
  const sync = async () =>
    (
      await pool.query<{ backfill: string; mode: string; sweep: boolean }>(
        'SELECT backfill, mode, sweep_wanted AS sweep FROM pgvector_backfill.sync ORDER BY 1',
      )
    ).rows;
  const functions = async (): Promise<number> =>
    (
      await pool.query(
        `SELECT 1 FROM pg_proc WHERE pronamespace = 'pgvector_backfill'::regnamespace AND prorettype = 'trigger'::regtype`,
      )
    ).rowCount ?? 0;
  const rearmed = async (): Promise<number> =>
    (
      await pool.query(
        `SELECT 1 FROM pgvector_backfill.event WHERE kind = 'sync.rearmed' AND backfill = 'bodies'`,
      )
    ).rowCount ?? 0;
  const A = '00000000-0000-0000-0000-00000000000a';
  const B = '00000000-0000-0000-0000-00000000000b';

  it('note for each what it reads, by its own key, and nothing for what the other one writes', async () => {
    await install(await bodies());
    await begin('bodies');
    await install(await titles());
    await pool.query(`INSERT INTO docs VALUES (1, '${A}', 't', 'b')`);
    expect(await noted()).toEqual(['bodies 1', `titles ${A}`]);
    await pool.query(`UPDATE docs SET body = 'b2'`);
    expect(await noted()).toEqual(['bodies 1']);
    await pool.query(`UPDATE docs SET title = 't2'`);
    expect(await noted()).toEqual([`titles ${A}`]);
    await pool.query(`UPDATE docs SET embedding = 'v', embedding_updated_at = now(), views = 1`);
    await pool.query(`UPDATE docs SET title_vector = 'v', title_vector_updated_at = now(), title = title`);
    expect(await noted()).toEqual([]);
    await pool.query(`UPDATE docs SET ref = '${B}', body = 'b3'`);
    expect(await noted()).toEqual(['bodies 1', `titles ${A}`, `titles ${B}`]);
    // In one transaction, the first row of one after the other has begun.
    await pool.query(
      `BEGIN; UPDATE docs SET body = 'b4'; UPDATE docs SET title = 't4'; UPDATE docs SET body = 'b5'; COMMIT`,
    );
    expect(await noted()).toEqual(['bodies 1', `titles ${B}`, 'bodies 1']);
    await pool.query('TRUNCATE docs');
    expect(await noted()).toEqual(['bodies all', 'titles all']);
    // What one is made of has another name now: the other one goes on.
    await pool.query(`INSERT INTO docs VALUES (2, '${A}', 't', 'b')`);
    await noted();
    await pool.query('ALTER TABLE docs RENAME COLUMN ref TO reference');
    await pool.query(`UPDATE docs SET body = 'b6', title = 't6'`);
    expect(await noted()).toEqual(['bodies 2']);
    const missed = await pool.query('SELECT DISTINCT backfill FROM pgvector_backfill.missed_change');
    expect(missed.rows).toEqual([{ backfill: 'titles' }]);
    expect(await functions()).toBe(1);
    expect(await sync()).toMatchObject([{ sweep: false }, { sweep: false }]);
  });

  it('go on for one while another comes, changes and goes: every change is noted, and no sweep is asked for', async () => {
    const first = await bodies();
    await install(first);
    await begin('bodies');
    await pool.query(`INSERT INTO docs VALUES (1, '${A}', 't', 'b')`);
    await noted();
    const writing = new AbortController();
    let writes = 0;
    const writer = (async () => {
      while (!writing.signal.aborted) {
        await pool.query(`UPDATE docs SET body = body || 'x'`);
        writes++;
      }
    })();
    const ensure = ({ target }: { target: Target }) => ensureCapture(pool, target, DDL_LIMITS);
    for (const more of [{}, { BACKFILL_WHERE: 'views < 10' }, { BACKFILL_SYNC_MODE: 'sweep' }, {}]) {
      await install(await titles(more));
      // Workers of both look at the same time.
      await Promise.all([ensure(first), ensure(await titles(more)), ensure(first)]);
      expect(await missingCapture(pool, first.target, 'trigger')).toEqual([]);
    }
    await install(await titles({ BACKFILL_SYNC_MODE: 'off' }));
    writing.abort();
    await writer;
    expect((await noted()).filter((note) => note === 'bodies 1')).toHaveLength(writes);
    await pool.query(`UPDATE docs SET title = 'nobody notes it'`);
    expect(await noted()).toEqual([]);
    expect(await rearmed()).toBe(0);
    expect(await sync()).toEqual([
      { backfill: 'bodies', mode: 'trigger', sweep: false },
      { backfill: 'titles', mode: 'off', sweep: false },
    ]);
    await install(await bodies({ BACKFILL_SYNC_MODE: 'off' }));
    expect(await functions()).toBe(0);
  });

  it('are those of each partition too', async () => {
    await pool.query(
      `CREATE TABLE parts (id bigint PRIMARY KEY, title text, body text) PARTITION BY RANGE (id);
       CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100)`,
    );
    const of = (backfill: string, column: string, text: string, more = {}) =>
      load(backfill, { BACKFILL_TABLE: 'parts', BACKFILL_TEXT: text, BACKFILL_COLUMN: column, ...more });
    const first = await of('low', 'vec', 'body');
    await install(first);
    await install(await of('high', 'other', 'title'));
    await pool.query(`INSERT INTO parts_low VALUES (1, 't', 'b')`);
    await pool.query(`UPDATE parts_low SET title = 't2'`);
    await pool.query('CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200)');
    await pool.query(`INSERT INTO parts_high VALUES (100, 't', 'b'); UPDATE parts SET body = 'b2'`);
    expect(await noted()).toEqual(['high 1', 'low 1', 'high 1', 'high 100', 'low 100', 'low 1', 'low 100']);
    const enabled = await pool.query('SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname = ANY ($1)', [
      CAPTURE_TRIGGERS,
    ]);
    expect(enabled.rows).toEqual([{ tgenabled: 'A' }]);
    await install(await of('high', 'other', 'title', { BACKFILL_SYNC_MODE: 'off' }));
    expect(await missingCapture(pool, first.target, 'trigger')).toEqual([]);
    await pool.query(`UPDATE parts SET title = 't3', body = 'b3' WHERE id = 100`);
    expect(await noted()).toEqual(['low 100']);
  });

  it('write a key by the settings of our sessions, beside one that needs none', async () => {
    await pool.query(
      'CREATE TABLE logs (id bigint PRIMARY KEY, at timestamptz NOT NULL UNIQUE, title text, body text)',
    );
    const first = await load('logs', { BACKFILL_TABLE: 'logs', BACKFILL_TEXT: 'body' });
    await install(first);
    const more = { BACKFILL_KEY: 'at', BACKFILL_TEXT: 'title', BACKFILL_COLUMN: 'title_vector' };
    await install(await load('times', { BACKFILL_TABLE: 'logs', ...more }));
    expect(await missingCapture(pool, first.target, 'trigger')).toEqual([]);
    await pool.query(
      `SET "DateStyle" = 'German'; SET TimeZone = 'Asia/Tokyo'; INSERT INTO logs VALUES (7, '2024-02-01 03:04:05.000006Z')`,
    );
    expect(await noted()).toEqual(['logs 7', 'times 2024-02-01 03:04:05.000006+00']);
  });

  it('of an earlier release are taken over, by a look of their own or by another backfill that comes', async () => {
    for (const byOther of [false, true]) {
      const { settings, target } = await bodies();
      await saveBackfill(pool, target, { column: 'embedding', updatedAtColumn: 'embedding_updated_at' });
      await begin('bodies');
      // As it made them: the function of the backfill, and no word of it in the ledger but their print.
      const own = earlierCaptureFunction('bodies');
      const [row, update, truncate] = CAPTURE_TRIGGERS;
      await pool.query(
        `CREATE FUNCTION ${own} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
           INSERT INTO pgvector_backfill.change (backfill, key) VALUES ('bodies', coalesce(NEW.id, OLD.id)); RETURN NULL; END $$;
         CREATE TRIGGER ${row} AFTER INSERT OR DELETE ON docs FOR EACH ROW EXECUTE FUNCTION ${own};
         CREATE TRIGGER ${update} AFTER UPDATE OF id, body ON docs FOR EACH ROW WHEN (OLD.body::text IS DISTINCT FROM NEW.body::text) EXECUTE FUNCTION ${own};
         CREATE TRIGGER ${truncate} AFTER TRUNCATE ON docs FOR EACH STATEMENT EXECUTE FUNCTION ${own};
         ${CAPTURE_TRIGGERS.map((name) => `ALTER TABLE docs ENABLE ALWAYS TRIGGER ${name}`).join(';')}`,
      );
      await pool.query(
        `INSERT INTO pgvector_backfill.sync (backfill, mode, armed_as) VALUES ('bodies', 'trigger', $1)`,
        [JSON.stringify(await capturePrint(pool, target))],
      );
      if (byOther) await install(await titles());
      else await applyCapture(pool, target, settings);
      await pool.query(`INSERT INTO docs VALUES (1, '${A}', 't', 'b')`);
      await pool.query(`UPDATE docs SET body = 'b2'`);
      expect(await noted()).toEqual(['bodies 1', ...(byOther ? [`titles ${A}`] : []), 'bodies 1']);
      expect(await functions()).toBe(1);
      await ensureCapture(pool, target, DDL_LIMITS);
      expect(await missingCapture(pool, target, 'trigger')).toEqual([]);
      expect((await sync()).some(({ sweep }) => sweep)).toBe(false);
      await install(await bodies({ BACKFILL_SYNC_MODE: 'off' }));
      expect(await functions()).toBe(byOther ? 1 : 0);
      await pool.query(
        'TRUNCATE docs, pgvector_backfill.change, pgvector_backfill.sync, pgvector_backfill.run CASCADE',
      );
    }
    expect(await rearmed()).toBe(0);
  });
});
