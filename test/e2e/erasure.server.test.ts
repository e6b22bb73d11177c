/** A row is erased, another is made anonymous: no place that derives from a text may hold it afterwards. docs/security.md. */

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDashboardApp } from '../../src/dashboard/server.ts';
import { CSRF_FIELD } from '../../src/dashboard/access/same-origin.ts';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { QUEUE_ROLES, openQueue } from '../../src/queue/connection.ts';
import { articles } from '../../src/demo/articles.ts';
import { drainChanges } from '../../src/sync/drain-changes.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';
import { everythingInRedis, everythingKept } from '../setup/kept.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { sampleModel } from '../setup/model.ts';
import { pipelineContext } from '../setup/pipeline-context.ts';

const ERASED = { key: '7', word: 'kowalski4711', line: 'Invoice of kowalski4711, not paid' };
const ANONYMOUS = { key: '9', word: 'nowak4712', line: 'Letter of nowak4712 about a bicycle' };
const REFUSED = { key: '11', word: 'wisniewski4713' };
const WORDS = [ERASED.word, ANONYMOUS.word, REFUSED.word];
const CREDENTIALS = { DASHBOARD_USER: 'admin', DASHBOARD_PASSWORD: 'long enough' };

describe.each(databases())('on $name', ({ create }) => {
  let folder: string;
  let database: TestDatabase;
  let backfill: TestBackfill;
  const output: string[] = [];
  const run = async (verb: string, ...args: string[]): Promise<void> => {
    const { stdout, stderr } = await runCommand(verb, args, { ...backfill.env, BACKFILL_LOG_LEVEL: 'trace' });
    output.push(stdout, stderr);
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-erasure-'));
    database = await create();
    backfill = await openBackfill(database, sampleModel(), {
      ...REPEATED_TEXTS,
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'title,body',
      BACKFILL_BATCH_ROWS: '20',
      BACKFILL_INDEX_COVERAGE: '0.5',
      BACKFILL_LEGACY_SEARCH: `SELECT id FROM docs WHERE body ILIKE '%' || $1 || '%' LIMIT $2`,
    });
    const { pool } = backfill;
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, title text, body text)');
    const some = articles()
      .filter(({ body }) => body !== null)
      .slice(0, 60);
    await pool.query(
      'INSERT INTO docs SELECT n, t, b FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (t, b, n)',
      [some.map(({ title }) => title), some.map(({ body }) => body)],
    );
    for (const { key, line } of [ERASED, ANONYMOUS])
      await pool.query(`UPDATE docs SET title = $2, body = $2 || ' and a garden' WHERE id = $1`, [key, line]);
    await pool.query(`UPDATE docs SET body = body || ' ' || $2 WHERE id = $1`, [REFUSED.key, REFUSED.word]);
    await pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'not this row: %', NEW.body; END $$`);
    await pool.query(
      `CREATE TRIGGER refuse BEFORE UPDATE ON docs FOR EACH ROW WHEN (OLD.id = ${REFUSED.key}) EXECUTE FUNCTION refuse()`,
    );
  });
  afterAll(async () => {
    await backfill.close();
    await rm(folder, { recursive: true });
  });

  /** As on the page: the row's first line, taken from the list of rows, and a click beside an answer. */
  async function judge(clicks: readonly { query: string; key: string; from: string }[]): Promise<void> {
    const { pool, config, env } = backfill;
    const { settings } = await loadConfig({ flags: {}, env: { ...env, ...CREDENTIALS }, cwd: folder });
    const address = { url: database.queueUrl, backfill: config.backfill, installation: folder };
    const queues = QUEUE_ROLES.map((role) => openQueue({ ...address, logger: silentLogger }, role));
    const [embed, finalize, sync] = queues.map(({ queue }) => queue);
    const { app, close } = createDashboardApp({
      pool,
      backfill: config.backfill,
      settings,
      queues: { embed, finalize, sync } as never,
      logger: silentLogger,
    });
    const headers = { authorization: `Basic ${btoa('admin:long enough')}` };
    for (const { query: q, key, from } of clicks) {
      const asked = new URLSearchParams({ q, k: '3', from }).toString();
      const page = await (await app.request(`/search?${asked}`, { headers })).text();
      expect(page).toContain(`name="from" value="${from}"`);
      const csrf = new RegExp(`name="${CSRF_FIELD}" value="([^"]+)"`).exec(page)?.[1] ?? '';
      const body = new URLSearchParams({ [CSRF_FIELD]: csrf, q, k: '3', key, grade: '2', from });
      expect((await app.request('/judge', { method: 'POST', headers, body })).status).toBe(303);
    }
    await close();
    await Promise.all(queues.map((each) => each.close()));
  }
  const judgements = async (): Promise<string[]> =>
    (await backfill.pool.query<{ query: string }>('SELECT query FROM pgvector_backfill.judgement')).rows.map(
      ({ query }) => query,
    );

  it('nothing of an erased text is left, and nothing of a refused one was ever kept', async () => {
    const { pool } = backfill;
    const model = join(folder, 'model');
    const report = join(folder, 'report.html');
    await run('train-model', '--out', model, '--dimensions', '16');
    await run('enqueue');
    await run('worker', '--exit-when-done');
    expect((await backfill.snapshot()).rows).toMatchObject({ embedded: 59, quarantined: 1 });
    await judge([
      ...[ERASED, ANONYMOUS].map(({ line, key }) => ({ query: line, key, from: key })),
      { query: 'bicycle', key: '3', from: '' },
    ]);
    expect((await judgements()).toSorted()).toEqual([ERASED.line, ANONYMOUS.line, 'bicycle'].toSorted());
    await run('verify', '--report', report);

    await pool.query('DELETE FROM docs WHERE id = $1', [ERASED.key]);
    await pool.query(`UPDATE docs SET title = 'Letter', body = 'about a bicycle' WHERE id = $1`, [
      ANONYMOUS.key,
    ]);
    const embedder = await sharedEmbedder(backfill.config.settings, 1);
    await drainChanges(await pipelineContext(backfill, embedder), await backfill.run());
    await embedder.close();
    await run('status');

    const { stage } = await backfill.target();
    const staged = await pool.query(`SELECT 1 FROM ${stage} WHERE id = $1`, [ERASED.key]);
    expect(staged.rows).toEqual([]);
    expect(await judgements()).toEqual(['bicycle']);
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const written = await Promise.all(
      files
        .filter((each) => each.isFile())
        .map((each) => readFile(join(each.parentPath, each.name), 'latin1')),
    );
    expect(written.length).toBeGreaterThan(5);
    const places = {
      'ledger, staging, quarantine, judgements, jobs and events in tables': await everythingKept(
        pool,
        'docs',
      ),
      'jobs, events and keys in Redis': await everythingInRedis(database.queueUrl),
      'logs and what verbs say': output.join('\n'),
      'model folder and report': written.join('\n'),
    };
    for (const [place, text] of Object.entries(places))
      for (const word of WORDS) expect(text.includes(word), `${word} in ${place}`).toBe(false);
  });
});
