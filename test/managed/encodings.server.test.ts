/** Bytes that are no text, as databases have them that know of no encoding, or were told a wrong one: each row's own fault. */

import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkTexts } from '../../src/planning/checks/texts.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { readTexts } from '../../src/table/read-texts.ts';
import { tableTexts } from '../../src/training/table-texts.ts';
import { complaints, hashEmbedder, runAll } from '../setup/whole-run.ts';
import { hasPostgres, onServer, realDatabase } from '../setup/databases.ts';

const ROWS = 60;

describe.runIf(hasPostgres())('bytes that are no text', () => {
  it.each([
    // More in a row than a run takes for an expression that is wrong, and the last row too. By what they are mended as doctor says.
    [
      'SQL_ASCII',
      51,
      'é',
      `convert_from(convert(convert_to(body, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII')`,
    ],
    ['UTF8', 2, 'é', `'mended'`],
    ['EUC_JP', 2, 'é', `'mended'`],
    ['WIN1252', 2, '\u0081', `'mended'`],
    ['LATIN1', 0, '\u0081', null],
  ])('%s', async (encoding, inARow, character, mended) => {
    const isBad = `(n <= ${inARow} OR n = ${ROWS})`;
    const { databaseUrl, queueUrl } = await realDatabase(undefined, {
      sql: `ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'`,
    });
    const byte = character.codePointAt(0)?.toString(16) ?? '';
    await onServer(
      databaseUrl,
      `CREATE EXTENSION vector; CREATE TABLE docs (id bigint PRIMARY KEY, body text);
       INSERT INTO docs SELECT n, CASE WHEN ${isBad} THEN E'caf\\x${byte} ' ELSE 'bread ' END || n FROM generate_series(1, ${ROWS}) n;
       UPDATE pg_database SET encoding = pg_char_to_encoding('${encoding}') WHERE datname = current_database()`,
    );
    const pool = createPool(databaseUrl, { name: 'test', max: 4, logger: silentLogger, pinned: true });
    const config = await loadConfig({
      flags: {
        table: 'public.docs',
        text: 'body',
        'batch-rows': '55',
        'legacy-search': `SELECT id FROM public.docs WHERE body ILIKE '%' || $1 || '%' LIMIT $2`,
      },
      env: { DATABASE_URL: databaseUrl, QUEUE_URL: queueUrl },
      cwd: '/',
    });
    const bad = mended === null ? 0 : inARow + 1;
    try {
      // Nothing blocks, and the rows are counted.
      if (encoding === 'SQL_ASCII') expect(await complaints(pool, config)).toEqual([]);
      const target = await describeTarget(pool, config.backfill, config.settings);
      const found = (await checkTexts(pool, target, config.settings, hashEmbedder())).filter(
        ({ check }) => check === 'text-read',
      );
      expect(found).toMatchObject(
        bad === 0 ? [] : [{ level: 'warn', measurements: { unreadable: bad, sampled: ROWS } }],
      );
      if (bad > 0) expect(found[0]?.message).toMatch(/\((bytes that are no text|a character that one)/);

      await migrate(pool);
      const result = await runAll(pool, config, hashEmbedder(), { index: false });
      expect(await result.account()).toMatchObject({
        eligible: ROWS,
        embedded: ROWS - bad,
        quarantined: bad,
        missing: 0,
      });
      const keys = await pool.query<{ key: string }>('SELECT key FROM pgvector_backfill.quarantine');
      const expected = await pool.query<{ key: string }>(
        `SELECT n::text AS key FROM generate_series(1, ${ROWS}) n WHERE ${bad > 0} AND ${isBad}`,
      );
      expect(new Set(keys.rows.map(({ key }) => key))).toEqual(new Set(expected.rows.map(({ key }) => key)));
      // The trainer goes on too.
      const texts: string[] = [];
      for await (const text of tableTexts(pool, target, (some) => readTexts(pool, target, some, 100)))
        texts.push(text);
      if (encoding !== 'UTF8') expect(texts).toHaveLength(ROWS - bad);

      if (mended === null) return;
      await pool.query(`UPDATE public.docs SET body = ${mended} WHERE id = 2`);
      expect(await result.sync()).toBe(0);
      expect(await result.account()).toMatchObject({ embedded: ROWS - bad + 1, quarantined: bad - 1 });
    } finally {
      await pool.end();
    }
  });

  it('a whole table in one encoding that the server knows nothing of: the expression that is printed reads it', async () => {
    const { databaseUrl, queueUrl } = await realDatabase(undefined, {
      sql: `ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'`,
    });
    await onServer(
      databaseUrl,
      `CREATE EXTENSION vector; CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text);
       INSERT INTO docs SELECT n, E'caf\\xe9', 'bread ' || n FROM generate_series(1, 30) n`,
    );
    const pool = createPool(databaseUrl, { name: 'test', max: 2, logger: silentLogger, pinned: true });
    const texts = async (text: string) => {
      const env = { DATABASE_URL: databaseUrl, QUEUE_URL: queueUrl };
      const { backfill, settings } = await loadConfig({
        flags: { table: 'public.docs', text },
        env,
        cwd: '/',
      });
      const target = await describeTarget(pool, backfill, settings, { planning: true });
      const found = await checkTexts(pool, target, settings, hashEmbedder());
      return { target, finding: found.find(({ check }) => check === 'text-read') };
    };
    const { finding } = await texts('title,body');
    expect(finding).toMatchObject({ level: 'error', measurements: { unreadable: 30, sampled: 30 } });
    const written = /\{"sql":.*\}/.exec(finding?.remedy ?? '')?.[0] ?? '';
    const { target, finding: none } = await texts(`sql:${(JSON.parse(written) as { sql: string }).sql}`);
    expect(none).toBeUndefined();
    expect(await readTexts(pool, target, ['7'], 100)).toEqual([{ key: '7', text: 'café\nbread 7' }]);
    await pool.end();
  });

  it('a key that is none is told before anything is planned', async () => {
    const { databaseUrl, queueUrl } = await realDatabase(undefined, {
      sql: `ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'`,
    });
    await onServer(
      databaseUrl,
      `CREATE EXTENSION vector; CREATE TABLE docs (code text PRIMARY KEY, body text); INSERT INTO docs VALUES (E'caf\\xe9', 'bread')`,
    );
    const pool = createPool(databaseUrl, { name: 'test', max: 2, logger: silentLogger, pinned: true });
    const config = await loadConfig({
      flags: { table: 'public.docs', key: 'code', text: 'body' },
      env: { DATABASE_URL: databaseUrl, QUEUE_URL: queueUrl },
      cwd: '/',
    });
    expect(await complaints(pool, config)).toEqual([
      expect.stringMatching(/^key: A key among the sampled rows cannot be told \(bytes that are no text/),
    ]);
    await pool.end();
  });
});
