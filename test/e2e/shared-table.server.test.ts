/** Two backfills of one table, with live writes to both texts: each on its own, at the same time, to the end of one of them. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { saveReadMode } from '../../src/ledger/reads/read-mode.ts';
import { missingCapture } from '../../src/sync/capture.ts';
import { REPEATED_TEXTS, openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { backends } from '../setup/databases.ts';
import { running, type LiveWriter } from '../setup/live-writer.ts';
import { sampleModel } from '../setup/model.ts';
import { expectSynced, untilSynced } from '../setup/synced.ts';

const model = sampleModel();
const ROWS = 120;

describe.each(backends().filter(({ name }) => name !== 'PostgreSQL alone'))(
  'two backfills of one table on $name',
  ({ create }) => {
    let bodies: TestBackfill;
    let titles: TestBackfill;
    afterEach(async () => {
      await titles.pool.end();
      await bodies.close();
    });

    /** Titles, bodies, both, neither; rows come and go. */
    function startWriter(): LiveWriter {
      const random = uniform(11);
      const pick = (below: number): number => Math.floor(random() * below);
      const stopped = new AbortController();
      let written = 0;
      let last = ROWS;
      const write = async (): Promise<void> => {
        while (!stopped.signal.aborted) {
          const id = 1 + pick(last);
          const statements = [
            `UPDATE docs SET title = 'guitar ' || id || ' of ${pick(1000)}' WHERE id BETWEEN ${id} AND ${id + 2}`,
            `UPDATE docs SET body = 'rain in the garden ' || id || ' at ${pick(1000)}' WHERE id BETWEEN ${id} AND ${id + 2}`,
            `UPDATE docs SET title = 'garden ' || id, body = 'a doctor for the garden ' || ${pick(1000)} WHERE id = ${id}`,
            `UPDATE docs SET lang = 'en' WHERE id = ${id}`,
            `INSERT INTO docs (id, title, body) VALUES (${++last}, 'bread for a guitar ${last}', 'a guitar in the rain ${last}')`,
            `DELETE FROM docs WHERE id = ${id}`,
          ];
          written += (await bodies.pool.query(statements[pick(statements.length)] ?? '')).rowCount ?? 0;
          await delay(10);
        }
      };
      return running(write(), stopped, () => written);
    }

    const verb = (backfill: TestBackfill, name: string, ...args: string[]): Promise<CommandResult> =>
      runCommand(name, ['--backfill', backfill.config.backfill, '--json', ...args], backfill.env);
    const changes = async (): Promise<string[]> =>
      (
        await bodies.pool.query<{ backfill: string }>(
          'SELECT DISTINCT backfill FROM pgvector_backfill.change ORDER BY 1',
        )
      ).rows.map(({ backfill }) => backfill);

    it('run, sync, index, verify and search apart, and one goes without the other', async () => {
      const database = await create({ bare: true });
      const common = {
        BACKFILL_TABLE: 'docs',
        BACKFILL_BATCH_ROWS: '25',
        BACKFILL_SYNC_EVERY_SECONDS: '1',
        // Under writes there is always some row to do.
        BACKFILL_INDEX_COVERAGE: '0.5',
        ...REPEATED_TEXTS,
      };
      bodies = await openBackfill(database, model, { ...common, BACKFILL_TEXT: 'body' }, { name: 'bodies' });
      titles = await openBackfill(
        database,
        model,
        {
          ...common,
          BACKFILL_TEXT: 'title',
          BACKFILL_KEY: 'ref',
          BACKFILL_WHERE: `lang <> 'xx'`,
          BACKFILL_COLUMN: 'title_embedding',
          BACKFILL_MODEL_DOCUMENT_PREFIX: 'title: ',
        },
        { name: 'titles' },
      );
      const { pool } = bodies;
      await pool.query(
        `CREATE TABLE docs (id bigint PRIMARY KEY, ref uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), lang text NOT NULL DEFAULT 'de', title text, body text)`,
      );
      await pool.query(
        `INSERT INTO docs (id, title, body) SELECT n, 'bread number ' || n, 'dough and yeast, loaf ' || n FROM generate_series(1, $1::int) n`,
        [ROWS],
      );
      const before = await catalogState(pool, 'docs');
      const both = [bodies, titles];

      const writer = startWriter();
      await Promise.all(both.map((each) => each.enqueue()));
      const workers = await Promise.all(both.map((each) => each.workers()));
      try {
        const settled = await Promise.all(both.map((each) => untilSettled(pool, each.config.backfill)));
        expect(settled.map(({ state, index }) => ({ state, index: index?.name }))).toEqual([
          { state: 'ready', index: 'docs_embedding_hnsw_idx' },
          { state: 'ready', index: 'docs_title_embedding_hnsw_idx' },
        ]);
        expect(writer.written).toBeGreaterThan(10);
        await writer.stop();
        await Promise.all(both.map((each) => untilSynced(each)));
      } finally {
        await writer.stop();
        await Promise.all(workers.map((each) => each.drain()));
      }
      for (const each of both) await expectSynced(each);
      for (const each of both) expect((await each.verify()).passed).toBe(true);
      expect(await changes()).toEqual([]);
      const faults = await pool.query(
        `SELECT backfill, message FROM pgvector_backfill.event WHERE kind = ANY ('{sync.rearmed,sync.missed,sync.capture,index.build-failed}')`,
      );
      expect(faults.rows).toEqual([]);

      // What one merges wakes nobody; what is written to one text is noted for that one alone.
      const vectors = await titles.vectorDigest();
      await pool.query(`UPDATE docs SET body = 'a mortgage on the engine' WHERE id < 20`);
      expect(await changes()).toEqual(['bodies']);
      const syncing = await bodies.workers(['sync']);
      await untilSynced(bodies);
      await syncing.drain();
      expect(await changes()).toEqual([]);
      expect(await titles.vectorDigest()).toBe(vectors);

      // Each is moved over, with a function of its own, and answers by its own vectors.
      for (const each of both)
        expect(await verb(each, 'cutover', '--to', 'vector', '--execute')).toMatchObject({ code: 0 });
      const search = async ({ config }: TestBackfill): Promise<unknown> => {
        const asked = createSearch({ pool, backfill: config.backfill });
        const found = await asked.search('a mortgage on the engine', { k: 3 });
        await asked.close();
        return found;
      };
      expect(await search(bodies)).toMatchObject({ mode: 'vector', answeredBy: 'vector' });
      const hits = await search(titles);
      expect(hits).toMatchObject({ mode: 'vector', answeredBy: 'vector' });
      await saveReadMode(pool, 'bodies', { mode: 'legacy', percent: null }, { by: 'test', reason: '' });

      const back = await verb(bodies, 'rollback', '--to-legacy-schema', '--execute');
      expect(back.json()).toMatchObject({ action: 'rollback', executed: true });
      const after = await catalogState(pool, 'docs');
      const names = (of: unknown): string[] => (of as unknown[][]).map(([name]) => String(name));
      expect(names(after['columns'])).toEqual([
        ...names(before['columns']),
        'title_embedding',
        'title_embedding_updated_at',
      ]);
      expect(names(after['indexes'])).toEqual(
        [...names(before['indexes']), 'docs_title_embedding_hnsw_idx'].toSorted(),
      );
      expect(names(after['triggers'])).toHaveLength(3);
      // The first of the two that came has the table's name alone.
      const { searchStem } = await titles.target();
      const called = searchStem === '' ? 'search_docs' : 'search_docs_title_embedding';
      const searches = names(after['functions']).filter((name) => name.startsWith('search_'));
      expect(searches).toEqual([`${called}(vector,integer)`]);
      expect(JSON.stringify(after['relations'])).not.toContain('"pgvector_backfill.docs_embedding_stage"');
      expect(await missingCapture(pool, await titles.target(), 'trigger')).toEqual([]);
      expect(await search(titles)).toEqual(hits);

      // And goes on as if nothing had been.
      await pool.query(`UPDATE docs SET title = 'winter guitar ' || id, body = 'unseen' WHERE id < 30`);
      expect(await changes()).toEqual(['titles']);
      const sweep = await pool.query('SELECT backfill, sweep_wanted AS wanted FROM pgvector_backfill.sync');
      expect(sweep.rows).toEqual([{ backfill: 'titles', wanted: false }]);
    });
  },
);
