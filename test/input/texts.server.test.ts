/** Texts as bad as files and tables have them: from the file to the vector, every row is accounted for. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { readRecords } from '../../src/demo/records.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { runAll, type RunResult } from '../setup/whole-run.ts';

/** Pieces that one of the steps could stumble over: file, parameter, regular expression, mask, tokenizer, hash, COPY. */
const PIECES = [
  'bread',
  'dough and yeast',
  'Ünïcödé',
  '\0',
  '\uD800',
  '\uDFFF',
  '\uFFFD',
  '\uFFFE',
  '\uFEFF',
  '\u00A0',
  '\u200B',
  '\u200D',
  '\u2028',
  '\u3000',
  '\u0085',
  '\t',
  '\n',
  '\r\n',
  ' ',
  '\u0001\u001B[31m\u007F',
  '\u202Eright to left\u202C',
  'שלום עולם',
  'مرحبا بالعالم',
  '🙂👩‍👩‍👧‍👦🏳️‍🌈',
  `e${'\u0301'.repeat(40)}`,
  '東京都',
  'ก็',
  '\\N',
  '\\.',
  '\\x00',
  "'; DROP TABLE articles; --",
  '%s $1 ${x}',
  '"quoted", and, commas',
  '[EMAIL]',
  'anna@example.com',
  '4111 1111 1111 1111',
  '<b>&nbsp;</b>',
  'a'.repeat(300),
];
const badText = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 8 })
  .map((pieces) => pieces.join(''));

describe.runIf(hasPostgres())('bad texts', () => {
  let database: TestDatabase;
  let pool: Pool;
  const model = sampleModel();
  let embedder: Embedder;
  let config: Config;
  let folder: string;
  beforeAll(async () => {
    [database, folder] = await Promise.all([
      realDatabase(),
      mkdtemp(join(tmpdir(), 'pgvector-backfill-texts-')),
    ]);
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await pool.query('CREATE EXTENSION IF NOT EXISTS vector');
    await migrate(pool);
    config = await loadConfig({
      flags: { table: 'articles', text: 'title,body', 'batch-rows': '5' },
      env: {
        DATABASE_URL: database.databaseUrl,
        QUEUE_URL: database.queueUrl,
        BACKFILL_MODEL_LOCAL_PATH: model.localPath,
        BACKFILL_MODEL_NAME: model.name,
        BACKFILL_MODEL_QUANTIZED: 'false',
      },
      cwd: '/',
    });
    embedder = await openEmbedder(config.settings, 1);
  });
  afterAll(async () => {
    await embedder.close();
    await pool.end();
    await Promise.all([database.drop(), rm(folder, { recursive: true })]);
  });
  afterEach(async () => {
    await pool.query('DROP TABLE IF EXISTS articles, pgvector_backfill.articles_embedding_stage');
    await pool.query('DELETE FROM pgvector_backfill.run');
    await pool.query('DELETE FROM pgvector_backfill.backfill');
  });

  /** Each row is in one state, its hash is that of its text, and its vector is what its text gives now. */
  async function expectRight(result: RunResult): Promise<void> {
    const counts = await result.account();
    expect(counts.embedded + counts.skipped + counts.quarantined).toBe(counts.eligible);
    expect(counts).toMatchObject({ missing: 0, stale: 0 });
    const { rows } = await pool.query<{
      id: string;
      text: string;
      vector: string | null;
      hash: Buffer | null;
      set: Buffer | null;
    }>(
      `SELECT a.id::text AS id, concat_ws(chr(10), a.title, a.body) AS text, a.embedding::text AS vector, s.text_hash AS hash, q.text_hash AS set
         FROM articles a LEFT JOIN pgvector_backfill.articles_embedding_stage s USING (id)
         LEFT JOIN pgvector_backfill.quarantine q ON q.key = a.id::text ORDER BY a.id`,
    );
    expect(rows.length).toBe(counts.eligible);
    const { vectors, faults } = await embedder.embed(
      rows.map((row) => row.text.slice(0, embedder.maxCharacters)),
    );
    const { dimensions, fingerprint } = embedder;
    const salts = await pool.query<{ salt: string }>('SELECT salt FROM pgvector_backfill.text_salt');
    const salt = salts.rows[0]?.salt ?? '';
    for (const [at, row] of rows.entries()) {
      const hash = createHash('sha256').update(`${salt}${fingerprint}\n${row.text}`).digest();
      const states = [row.vector !== null, row.set !== null].filter(Boolean).length;
      expect(states).toBeLessThanOrEqual(1);
      if (row.vector === null) {
        // Skipped, or quarantined with a fault that it still has.
        if (row.set !== null) expect([row.set.equals(hash), faults[at]]).toEqual([true, 1]);
        else expect(row.text).not.toMatch(/[\p{L}\p{N}]/u);
        continue;
      }
      expect(row.hash?.equals(hash)).toBe(true);
      const stored = JSON.parse(row.vector) as number[];
      const worst = Math.max(
        ...stored.map((value, i) => Math.abs(value - (vectors[at * dimensions + i] ?? 2))),
      );
      expect(worst).toBeLessThan(1e-5);
    }
  }

  const quoteCsv = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const clear = async (): Promise<void> => {
    await pool.query('DROP TABLE IF EXISTS articles, pgvector_backfill.articles_embedding_stage');
    await pool.query('DELETE FROM pgvector_backfill.run');
    await pool.query('DELETE FROM pgvector_backfill.backfill');
  };

  it('from a file of JSON lines or CSV through masks, tokens, vectors, COPY and merge; then edited', async () => {
    const bodies = fc.array(badText, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        bodies,
        fc.array(badText, { minLength: 2, maxLength: 2 }),
        fc.boolean(),
        async (texts, edits, csv) => {
          await clear();
          const file = join(folder, csv ? 'records.csv' : 'records.jsonl');
          const lines = csv
            ? ['id,title,body', ...texts.map((text, at) => `${at},${quoteCsv(`t${at}`)},${quoteCsv(text)}`)]
            : texts.map((text, at) =>
                JSON.stringify({ id: at, title: at % 2 === 0 ? '' : `bread ${at}`, body: text }),
              );
          await writeFile(file, lines.join('\n'));
          expect(await loadArticles(pool, readRecords(file))).toBe(texts.length);
          const result = await runAll(pool, config, embedder);
          await expectRight(result);
          // What a client of PostgreSQL can write at all.
          for (const [at, edit] of edits.entries())
            await pool.query('UPDATE articles SET title = NULL, body = $1 WHERE id = $2', [
              edit.replaceAll('\0', ''),
              at,
            ]);
          expect(await result.sync()).toBe(0);
          await expectRight(result);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('ten megabytes of one text: words, a single word, emoji, white space, addresses', async () => {
    const size = 10 * 1024 * 1024;
    await pool.query('CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text)');
    for (const [id, piece] of ['bread dough ', 'a', '🙂', ' \t\n', 'anna@example.com '].entries())
      await pool.query('INSERT INTO articles VALUES ($1, NULL, repeat($2, $3::int))', [
        id,
        piece,
        Math.ceil(size / Buffer.byteLength(piece)),
      ]);
    const result = await runAll(pool, config, embedder);
    await expectRight(result);
    expect(await result.account()).toMatchObject({
      eligible: 5,
      skipped: 1,
      truncated: expect.any(Number) as number,
    });
    await pool.query('UPDATE articles SET body = body || body WHERE id = 1');
    expect(await result.sync()).toBe(0);
    await expectRight(result);
  });
});
