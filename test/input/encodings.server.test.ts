/** Databases in an encoding that has not got every character: ours, those of messages from elsewhere, those of a query. */

import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { LEGACY_BASE } from '../../src/ledger/reads/read-mode.ts';
import { withValues } from '../../src/config/shape.ts';
import { changeReads } from '../../src/cutover/change-reads.ts';
import { createPool } from '../../src/db/pool.ts';
import { asciiText, utf8Json, utf8JsonSql, utf8, utf8Sql } from '../../src/db/utf8-text.ts';
import { listEvents, recordEvent } from '../../src/ledger/event/event.ts';
import { gradesOf } from '../../src/ledger/verification/judgements.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { checkStoredSettings } from '../../src/planning/checks/stored-settings.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { hasPostgres, realDatabase } from '../setup/databases.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { sampleModel } from '../setup/model.ts';

const MESSAGE = 'größe − 日本 → “🚲”…';

describe('words for a place of unknown encoding', () => {
  it('are ASCII, without what no text of PostgreSQL holds', () => {
    expect(asciiText(`${MESSAGE}\0\ud83d`)).toBe('gr??e - ?? -> "?"...');
    expect(utf8Json({ a: [`→\0`], b: null }).toString()).toBe('{"a":["->"],"b":null}');
  });
});

describe.runIf(hasPostgres())('an encoding that lacks characters', () => {
  const model = sampleModel();
  let backfill: TestBackfill | null = null;
  afterEach(() => backfill?.close());

  it.each([
    ['LATIN1', 'größe - ?? -> "?"...'],
    ['EUC_JP', 'größe - 日本 -> "?"...'],
    ['UTF8', 'größe - 日本 -> "🚲"...'],
    ['SQL_ASCII', 'größe - 日本 -> "🚲"...'],
  ])('%s: a message loses what it cannot hold and no more', async (encoding, held) => {
    const database = await realDatabase(undefined, {
      sql: `ENCODING '${encoding}' TEMPLATE template0 LOCALE 'C'`,
    });
    const pool = createPool(database.databaseUrl, { name: 'test', max: 1, logger: silentLogger });
    try {
      await pool.query('CREATE SCHEMA pgvector_backfill');
      const migration = new URL('../../src/db/migrations/0038_words.sql', import.meta.url);
      await pool.query(await readFile(migration, 'utf8'));
      const kept = await pool.query<{ text: string; json: unknown }>(
        `SELECT ${utf8Sql('$1')} AS text, ${utf8JsonSql('$2')} AS json`,
        [utf8(MESSAGE), utf8Json({ reason: MESSAGE })],
      );
      expect(kept.rows).toEqual([{ text: held, json: { reason: held } }]);
    } finally {
      await pool.end();
    }
  });

  it('LATIN1: becomes ready, with ledger and queue in it, and tells a query that it cannot hold as such', async () => {
    const database = await realDatabase(undefined, {
      sql: `ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'`,
    });
    backfill = await openBackfill(database, model, {
      ...REPEATED_TEXTS,
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title',
    });
    const { pool, config } = backfill;
    const { settings } = config;
    await pool.query('CREATE TABLE articles (id bigint PRIMARY KEY, title text)');
    await pool.query(
      `INSERT INTO articles SELECT n, (ARRAY['bicycle with a flat tyre', 'bread and soup', 'rain in the garden'])[1 + n % 3] || ' ' || n FROM generate_series(1, 30) n`,
    );
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({ state: 'ready', reason: '' });
    const run = await backfill.run();
    await recordEvent(pool, {
      backfill: config.backfill,
      run: run.id,
      level: 'info',
      kind: 'test',
      message: MESSAGE,
    });
    expect((await listEvents(pool, config.backfill, 1))[0]?.message).toBe('größe - ?? -> "?"...');
    const prefixed = (prefix: string) => withValues(settings, [['model.queryPrefix', prefix]]);
    expect(await checkStoredSettings(pool, prefixed('Größe: '))).toEqual([]);
    expect(await checkStoredSettings(pool, prefixed('查询: '))).toMatchObject([
      { level: 'error', option: 'model.queryPrefix' },
    ]);

    const query = 'flat tyre 🚲 自転車';
    const embedder = await sharedEmbedder(settings, 1);
    const compared = await compareSearches(
      { pool, target: await backfill.target(), settings, embedder },
      query,
      5,
    );
    expect(compared.vector).toHaveLength(5);
    expect(compared.legacyFault).toMatch(/\(U\+1F6B2\) that the encoding of the database cannot hold/);
    expect(await gradesOf(pool, config.backfill, query)).toBeNull();
    const search = createSearch({ pool, backfill: config.backfill, embedder, options: {} });
    try {
      await expect(search.search(query)).rejects.toMatchObject({ code: 'QUERY_NOT_IN_ENCODING' });
      await changeReads(pool, run, {
        to: { mode: 'hybrid', percent: null, generation: 1, base: LEGACY_BASE },
        reason: '',
        override: 'weil’s so ist',
        detail: {},
        statements: [],
        prepare: '',
      });
      await expect
        .poll(() => search.search(query, { k: 3 }), { timeout: 5000, interval: 50 })
        .toMatchObject({ answeredBy: 'hybrid', hits: [{ rank: 1 }, { rank: 2 }, { rank: 3 }] });
    } finally {
      await search.close();
    }
  });
});
