/** Rows that cannot be read, embedded or written: each costs itself and nothing beside it, in batches, sync and counts. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { forgiveRows } from '../../src/ledger/rows/quarantine.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { sweepAll } from '../../src/sync/sweep-missed-rows.ts';
import { emptyTextSql } from '../../src/table/text-expressions.ts';
import { databases, type TestDatabase, hasPostgres } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const ROWS = 120;
const TITLE = `sql:body::json->>'title'`;

// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.runIf(hasPostgres()).each(databases())('faults of single rows on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text, note text)');
    await pool.query(
      `INSERT INTO docs SELECT n, '{"title": "bread ' || n || '"}' FROM generate_series(1, ${ROWS}) n`,
    );
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const configOf = (flags: Record<string, string>): Promise<Config> =>
    loadConfig({
      flags: { table: 'docs', text: 'body', 'batch-rows': '50', 'merge-rows': '50', ...flags },
      env: { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl },
      cwd: '/',
    });
  const quarantined = async (): Promise<string[]> =>
    (
      await pool.query<{ key: string }>('SELECT key FROM pgvector_backfill.quarantine ORDER BY key::int')
    ).rows.map(({ key }) => key);
  const counts = (bad: number, skipped = 0): Record<string, number> => ({
    embedded: ROWS - bad - skipped,
    quarantined: bad,
    skipped,
    stale: 0,
    missing: 0,
  });

  it('a text expression that raises: in a batch, in sync, in counts and sweeps', async () => {
    const breakRow = (id: number): Promise<unknown> =>
      pool.query(`UPDATE docs SET body = '{"title": "broken' WHERE id = $1`, [id]);
    await breakRow(7);
    await breakRow(70);
    const result = await runAll(pool, await configOf({ text: TITLE }), hashEmbedder());
    expect(await result.account()).toMatchObject(counts(2));
    expect(await quarantined()).toEqual(['7', '70']);

    // After go-live: a row with a vector breaks, a good edit stands beside it, a new row comes broken.
    await breakRow(8);
    await pool.query(`UPDATE docs SET body = '{"title": "winter"}' WHERE id IN (9, 70)`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject(counts(2));
    expect(await quarantined()).toEqual(['7', '8']);
    const { rows } = await pool.query<{ class: string; reason: string; old: boolean }>(
      `SELECT class, reason, embedding IS NOT NULL AS old FROM pgvector_backfill.quarantine JOIN docs ON id::text = key WHERE id = 8`,
    );
    // The vector of a text that the row has no more is gone, too.
    expect(rows).toEqual([
      { class: 'unreadable', reason: expect.stringContaining('22P02') as string, old: false },
    ]);

    // Where nobody captures: an edit of another column makes it another version, an edit of the text a readable one.
    await pool.query('ALTER TABLE docs DISABLE TRIGGER USER');
    await pool.query(`UPDATE docs SET note = 'seen' WHERE id = 8`);
    await breakRow(90);
    await pool.query(`UPDATE docs SET body = '{"title": "summer"}' WHERE id = 7`);
    const { context, run } = result;
    expect(await sweepAll({ pool, target: context.target, run })).toBe(1);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject(counts(2));
    expect(await quarantined()).toEqual(['8', '90']);

    // Another try is one, and is counted.
    await forgiveRows(pool, run.backfill);
    expect(await sweepAll({ pool, target: context.target, run })).toBe(0);
    const tries = await pool.query('SELECT attempts FROM pgvector_backfill.quarantine ORDER BY key');
    expect(tries.rows).toEqual([{ attempts: 3 }, { attempts: 2 }]);
  });

  it('a condition that raises, and a broken row beside those of a merge', async () => {
    await pool.query(`UPDATE docs SET note = '1'`);
    await pool.query(`UPDATE docs SET note = 'n/a' WHERE id = 33`);
    const result = await runAll(pool, await configOf({ where: 'note::int > 0' }), hashEmbedder());
    expect(await result.account()).toMatchObject(counts(1));
    await pool.query(`UPDATE docs SET body = 'flour', note = CASE id WHEN 60 THEN 'n/a' ELSE note END
                       WHERE id BETWEEN 55 AND 65`);
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject(counts(2));
    expect(await quarantined()).toEqual(['33', '60']);
  });

  it('an expression that fails for every row is no fault of theirs', async () => {
    await pool.query(`UPDATE docs SET body = '{'`);
    await expect(runAll(pool, await configOf({ text: TITLE }), hashEmbedder())).rejects.toMatchObject({
      code: 'TEXT_UNREADABLE',
    });
  });

  it('a run of broken rows at the beginning of the table is one, though', async () => {
    await pool.query(`UPDATE docs SET body = '{' WHERE id < 60`);
    const result = await runAll(pool, await configOf({ text: TITLE }), hashEmbedder());
    expect(await result.account()).toMatchObject(counts(59));
  });

  it('a component that halfvec cannot hold, also one that an older release has staged', async () => {
    const embedder = hashEmbedder();
    const huge: Embedder = {
      ...embedder,
      embed: async (texts, options) => {
        const result = await embedder.embed(texts, options);
        for (const [at, text] of texts.entries())
          if (text.includes('HUGE')) result.vectors[at * embedder.dimensions] = 70_000;
        return result;
      },
    };
    await pool.query(`UPDATE docs SET body = 'HUGE' WHERE id = 70`);
    const config = await configOf({
      'column-type': 'halfvec',
      'model-normalize': 'false',
      metric: 'ip',
    });
    const result = await runAll(pool, config, huge);
    expect(await result.account()).toMatchObject(counts(1));
    await pool.query(
      `UPDATE docs SET body = CASE id WHEN 10 THEN 'HUGE again' ELSE 'good' END WHERE id IN (10, 11)`,
    );
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject(counts(2));
    await pool.query(
      `UPDATE pgvector_backfill.docs_embedding_stage SET embedding = (ARRAY[70000] || (embedding::real[])[2:])::vector WHERE id = 12`,
    );
    expect(await result.account()).toMatchObject({ stale: 1, embedded: ROWS - 3 });
    await sweepAll({ pool, target: result.context.target, run: result.run });
    expect(await result.sync()).toBe(0);
    expect(await result.account()).toMatchObject(counts(3));
  });

  it.each(['54000', '42501', '40001', 'XX001', 'ABCDE', '0A000'])(
    'a trigger that refuses one row by SQLSTATE %s',
    async (code) => {
      await pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id IN (20, 21) THEN RAISE EXCEPTION '%', NEW.body USING ERRCODE = '${code}'; END IF; RETURN NEW; END $$`);
      await pool.query('CREATE TRIGGER refuse BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION refuse()');
      const result = await runAll(pool, await configOf({}), hashEmbedder(), { index: false });
      expect(await result.account()).toMatchObject(counts(2));
      await pool.query('ALTER TABLE docs DISABLE TRIGGER refuse');
      await pool.query(`UPDATE docs SET body = 'winter' WHERE id IN (21, 22)`);
      await pool.query('ALTER TABLE docs ENABLE TRIGGER refuse');
      expect(await result.sync()).toBe(0);
      expect(await result.account()).toMatchObject(counts(2));
      const { rows } = await pool.query<{ reasons: string }>(
        `SELECT string_agg(reason, ' ') AS reasons FROM pgvector_backfill.quarantine`,
      );
      expect(rows[0]?.reasons).not.toContain('bread');
    },
  );

  it('whether a text is empty can be told of one that no regular expression takes', async () => {
    const { rows } = await pool.query(
      `SELECT ${emptyTextSql('text')} AS empty FROM (SELECT repeat(repeat('rain ', 20000), 2850) AS text) long`,
    );
    expect(rows).toEqual([{ empty: false }]);
  });
});
