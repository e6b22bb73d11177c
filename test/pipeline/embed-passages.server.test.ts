/** A vector for each passage of a text, beside the table: its place, its vector, and what of it an edit embeds again. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { openEmbedder } from '../../src/embedding/open-embedder.ts';
import { planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { createIndexSql, wantedIndex } from '../../src/finalize/index-definition.ts';
import { nearestRows } from '../../src/search/queries/nearest-rows.ts';
import { nearest } from '../../src/search/queries/vector-query.ts';
import { drainChanges } from '../../src/sync/drain-changes.ts';
import type { PipelineContext } from '../../src/pipeline/pipeline-context.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { pipelineContext } from '../setup/pipeline-context.ts';
import { expectSynced } from '../setup/synced.ts';

const bodies = articles().map(({ title, body }) => `${title}. ${body ?? ''}`);
/** Forty paragraphs, each a passage about; mail addresses are longer than their placeholders. */
const LONG = Array.from(
  { length: 40 },
  (_, at) => `\u{1F35E} Part ${at}, asked of somebody.${at}@mail.example.com: ${bodies[at]?.slice(0, 220)}`,
).join('\n\n');

describe.runIf(hasPostgres())('passages beside the table', () => {
  let backfill: TestBackfill;
  let embedder: Embedder;
  let context: PipelineContext;
  /** Texts that the model was asked for. */
  let asked: string[] = [];

  async function open(
    options: Record<string, string> = {},
    database: Promise<TestDatabase> = realDatabase(),
  ): Promise<void> {
    backfill = await openBackfill(await database, sampleModel(), {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_STORE: 'table',
      BACKFILL_MODEL_LONG_TEXT: 'chunks',
      BACKFILL_MODEL_CHUNK_TOKENS: '64',
      BACKFILL_MODEL_CHUNK_OVERLAP: '8',
      BACKFILL_MASK: 'email',
      ...options,
    });
    await createDocs(backfill.pool, 3, `'bread dough and yeast ' || n`);
    await backfill.pool.query(`INSERT INTO docs VALUES (4, $1), (5, ''), (6, $2)`, [
      LONG,
      '\u{1F35E}\u{1F35E}',
    ]);
    await backfill.enqueue();
    const opened = await openEmbedder(backfill.config.settings, 1);
    asked = [];
    embedder = {
      ...opened,
      embed: (texts, as) => {
        asked.push(...texts);
        return opened.embed(texts, as);
      },
    };
    context = await pipelineContext(backfill, embedder);
  }
  beforeEach(() => open());
  afterEach(async () => {
    await embedder.close();
    await backfill.close();
  });

  const batch = async (): Promise<unknown> => processBatch(context, await backfill.run(), 1);
  interface Stored {
    id: string;
    chunk: number;
    text: string;
    start: number;
    end: number;
    vector: string;
    all: number;
  }
  const stored = async (id: number): Promise<Stored[]> =>
    (
      await backfill.pool.query<Stored>(
        `SELECT id::text, chunk, substr(body, chunk_start + 1, chunk_end - chunk_start) AS text, chunk_start AS start, chunk_end AS end,
                embedding::text AS vector, length(body) AS all
           FROM docs_embedding JOIN docs USING (id) WHERE id = $1 ORDER BY chunk`,
        [id],
      )
    ).rows;

  it('have the vector of their masked text, and places in the row’s own', async () => {
    expect(await batch()).toMatchObject({
      kind: 'merged',
      counts: { eligible: 6, embedded: 4, skipped: 1, quarantined: 1, truncated: 0 },
    });
    await expectSynced(backfill);
    const passages = await stored(4);
    expect(passages.length).toBeGreaterThan(30);
    expect(passages.map(({ chunk }) => chunk)).toEqual(passages.map((_, at) => at));
    let before = 0;
    for (const { start, end, text } of passages) {
      expect(start).toBeLessThanOrEqual(before);
      before = end;
      expect(text).toMatch(/^(?:\u{1F35E} Part|\S)/u);
    }
    expect(before).toBe(passages[0]?.all);
    // Masked as a whole and by itself it is the same text here.
    const { vectors } = await embedder.embed(passages.map(({ text }) => text));
    for (const [at, { vector }] of passages.entries())
      for (const [place, component] of (JSON.parse(vector) as number[]).entries())
        expect(component).toBeCloseTo(vectors[at * embedder.dimensions + place] ?? 0, 5);
    expect(asked.some((text) => text.includes('@'))).toBe(true);
    expect(asked.slice(0, passages.length).some((text) => text.includes('@'))).toBe(false);
    expect(await stored(1)).toMatchObject([{ chunk: 0, start: 0, end: 23, text: 'bread dough and yeast 1' }]);
    expect(await batch()).toMatchObject({ kind: 'not-done' });
  });

  it('are embedded again where they have changed, and come and go with the text', async () => {
    const { pool } = backfill;
    await batch();
    const before = await stored(4);
    const edit = async (sql: string): Promise<number> => {
      asked = [];
      await pool.query(sql);
      await drainChanges(context, await backfill.run());
      await expectSynced(backfill);
      return asked.length;
    };
    expect(
      await edit(`UPDATE docs SET body = replace(body, 'Part 20,', 'Part 99,') WHERE id = 4`),
    ).toBeLessThanOrEqual(2);
    const after = await stored(4);
    expect(after).toHaveLength(before.length);
    const same = after.filter(({ vector }, at) => vector === before[at]?.vector).length;
    expect(same).toBeGreaterThanOrEqual(before.length - 2);
    expect(after.some(({ text }) => text.includes('Part 99,'))).toBe(true);
    // A paragraph in the middle goes: those behind it move, and keep their vectors.
    expect(
      await edit(
        `UPDATE docs SET body = substr(body, 1, position('Part 10,' IN body) - 3) || substr(body, position('Part 12,' IN body)) WHERE id = 4`,
      ),
    ).toBeLessThanOrEqual(8);
    const shorter = await stored(4);
    expect(shorter.length).toBeLessThan(after.length);
    expect(shorter.at(-1)).toMatchObject({ vector: after.at(-1)?.vector, end: shorter[0]?.all });
    expect(await edit(`UPDATE docs SET body = 'a puppy' WHERE id = 4`)).toBe(1);
    expect(await stored(4)).toHaveLength(1);
    expect(await edit(`UPDATE docs SET body = '' WHERE id = 4`)).toBe(0);
    expect(await stored(4)).toHaveLength(0);
    expect(await edit(`DELETE FROM docs WHERE id = 1`)).toBe(0);
    expect((await pool.query('SELECT FROM docs_embedding WHERE id = 1')).rowCount).toBe(0);
  });

  it('are found as their rows, each once, by the nearest of them', async () => {
    const { pool } = backfill;
    await pool.query(
      `INSERT INTO docs SELECT n, replace($1, 'Part', n::text) FROM generate_series(100, 129) n`,
      [LONG],
    );
    await batch();
    await drainChanges(context, await backfill.run());
    const { target } = context;
    const { settings } = backfill.config;
    await pool.query(createIndexSql(target, wantedIndex(target, settings, 1000)));
    await pool.query('ANALYZE docs, docs_embedding');
    const [passage] = (await stored(100)).slice(7);
    const query = passage?.vector ?? '';
    const grouped = await pool.query<{ id: string; distance: number }>(
      `SELECT id::text, min(embedding <=> $1::vector) AS distance FROM docs_embedding GROUP BY id ORDER BY 2, id LIMIT 20`,
      [query],
    );
    for (const mode of ['index', 'exact', 'unindexed'] as const) {
      const { neighbours } = await nearest(pool, target, 'cosine', query, 5, mode);
      expect(neighbours.map(({ key }) => key)).toHaveLength(5);
      expect(new Set(neighbours.map(({ key }) => key)).size).toBe(5);
      for (const [at, { distance }] of neighbours.entries())
        expect(distance).toBeCloseTo(grouped.rows[at]?.distance ?? 2, 5);
    }
    // Thirty rows have about the same passages: the nearest forty are of as many rows, and all the same all 33 are found.
    expect((await nearestRows(pool, target, 'cosine', query, 40)).neighbours).toHaveLength(34);
    const filter = { name: 'few', where: 'docs.id < 10', values: [] };
    expect((await nearestRows(pool, target, 'cosine', query, 10, { filter })).neighbours).toHaveLength(4);
    const made = await planSearchFunction(pool, target, 'cosine', await settingsOfReads(pool, target));
    for (const sql of made.statements) await pool.query(sql);
    for (const [k, rows] of [
      [5, 5],
      [40, 34],
    ]) {
      const answer = await pool.query<{ key: string; distance: number }>(
        `SELECT key::text, distance FROM ${made.name}($1, $2)`,
        [query, k],
      );
      expect(new Set(answer.rows.map(({ key }) => key)).size).toBe(rows);
      expect(answer.rows).toHaveLength(rows ?? 0);
      expect(answer.rows[0]?.distance).toBeCloseTo(0, 5);
    }
  });

  it('have their places in bytes where the server counts those', async () => {
    await embedder.close();
    await backfill.close();
    await open({}, realDatabase(undefined, { sql: `ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'` }));
    await batch();
    const passages = await stored(4);
    expect(passages.length).toBeGreaterThan(30);
    for (const { text } of passages) expect(text).toMatch(/^(?:\u{1F35E} Part|\w)/u);
    expect(passages.at(-1)?.end).toBe(Buffer.byteLength(LONG));
  });

  it('are at most so many, and rows that have more are counted', async () => {
    await embedder.close();
    await backfill.close();
    await open({ BACKFILL_MODEL_MAX_CHUNKS: '5' });
    expect(await batch()).toMatchObject({ counts: { embedded: 4, truncated: 1 } });
    expect(await stored(4)).toHaveLength(5);
  });
});
