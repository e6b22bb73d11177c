/** Models compared before anything of a backfill is there, by a role that may read and no more. */

import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import type {
  ComparedModel,
  ComparedModels,
  FailedModel,
} from '../../src/verify/compared-models/compare-models.ts';
import { FakeServer, fine, refuse } from '../embedding/endpoint/fake-server.ts';
import { catalogState } from '../setup/catalog.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { hasPostgres } from '../setup/databases.ts';
import { limitedRole, type LimitedRole } from '../setup/limited-role.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

const model = sampleModel();
const ENV = {
  BACKFILL_TABLE: 'public.articles',
  BACKFILL_TEXT: 'title,body',
  BACKFILL_MODEL_LOCAL_PATH: model.localPath,
  BACKFILL_THREADS: '1',
  BACKFILL_LOG_LEVEL: 'silent',
};

describe.runIf(hasPostgres())('the verb compare-models', () => {
  let limited: LimitedRole;
  let admin: Pool;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'compare-models-'));
    limited = await limitedRole();
    const open = (): Pool => createPool(limited.adminUrl, { name: 'test', max: 1, logger: silentLogger });
    const first = open();
    await loadArticles(first, articles());
    await first.query(
      `GRANT USAGE ON SCHEMA public TO ${limited.role}; GRANT SELECT ON public.articles TO ${limited.role}`,
    );
    await first.query('ANALYZE public.articles');
    // What it has written is counted with its end.
    await first.end();
    admin = open();
  });
  afterAll(async () => {
    await admin.end();
    await limited.drop();
    await rm(folder, { recursive: true });
  });

  const compare = (...args: string[]): Promise<CommandResult> =>
    runCommand('compare-models', args, { ...ENV, DATABASE_URL: limited.database.databaseUrl }, folder);
  /** Rows written so far, by table, its catalogs included, once whoever was there has gone and told; but in those of all databases, and of statistics. */
  const written = async (): Promise<unknown[]> => {
    await until('nobody but this pool is there', async () => {
      const found = await admin.query<{ others: number }>(
        `SELECT count(*)::int AS others FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      return found.rows[0]?.others === 0;
    });
    const found = await admin.query(
      `SELECT c.relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
        WHERE NOT c.relisshared AND c.relname NOT IN ('pg_statistic', 'pg_toast_2619') ORDER BY c.oid`,
    );
    return found.rows;
  };

  it('ranks known items by their titles, tells what cannot be used, and writes nothing', async () => {
    const before = { state: await catalogState(admin, 'public.articles'), rows: await written() };
    const { code, stderr, json } = await compare(
      '--models',
      `${model.name}:full,trained:full,nowhere`,
      '--report',
      'report.html',
      '--json',
    );
    expect(stderr).toBe('');
    const { queries, tableRows, models, failed, best } = json() as ComparedModels;
    const [sample, trained, nowhere] = models as [ComparedModel, ComparedModel, FailedModel];
    expect(queries).toMatchObject({ source: 'titles', column: 'title' });
    expect(queries.count).toBeGreaterThan(300);
    expect(tableRows).toBe(articles().length);
    expect(sample).toMatchObject({
      asked: `${model.name}:full`,
      precision: 'fp32',
      dimensions: model.dimensions,
    });
    expect(trained.dimensions).toBe(128);
    for (const { modes } of [sample, trained]) {
      const [truncate] = modes;
      expect(truncate?.ndcg10).toBeGreaterThan(0.2);
      expect(truncate?.low).toBeLessThan(truncate?.high ?? 0);
      expect(truncate?.rowsPerSecond).toBeGreaterThan(10);
      expect(truncate?.forecast.diskBytes).toBeGreaterThan(truncate?.forecast.indexBytes ?? Infinity);
      expect(truncate?.forecast.vectors).toBe(articles().length);
    }
    expect(
      [sample, trained].flatMap(({ modes }) => modes).filter(({ toBest }) => toBest === null),
    ).toHaveLength(1);
    expect([sample.asked, trained.asked]).toContain(best?.asked);
    expect(nowhere).toMatchObject({ asked: 'nowhere', error: { code: 'MODEL_FILES_MISSING' } });
    expect({ code, failed }).toEqual({ code: 3, failed: 1 });
    const report = await readFile(join(folder, 'report.html'), 'utf8');
    expect(report).toMatch(/^<!doctype html>[\s\S]*nowhere cannot be used/);
    expect(report).not.toContain(articles()[0]?.title ?? '');
    // Only the report: the trained model has gone with the verb.
    expect(await readdir(folder)).toEqual(['report.html']);
    expect(await catalogState(admin, 'public.articles')).toEqual(before.state);
    expect(await written()).toEqual(before.rows);
    // It would have been seen.
    await admin.query('CREATE TEMP TABLE seen ()');
    await until(
      'a table that comes is seen',
      async () => JSON.stringify(await written()) !== JSON.stringify(before.rows),
    );
  });

  it('runs where the database takes no writes, and says it in lines', async () => {
    await limited.admin(`ALTER ROLE ${limited.role} SET default_transaction_read_only = on`);
    const { code, stdout } = await compare('--models', `${model.name}:full`, '--rows', '50', '--long-texts');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Nobody has judged: \d+ known items, among \d+ of about \d+ rows/);
    expect(stdout).toMatch(/sample:full +fp32 +mean-of-chunks +0\.\d{3} +\[/);
    expect(stdout).toMatch(/sample:full +fp32 +chunks +32 +0\.0 %/);
    expect(stdout).toMatch(/^Best: sample:full \(/m);
  });

  it('asks the configured server for its models, beside a local one', async () => {
    const server = await FakeServer.start((asked, response, nth) =>
      asked.body.model === 'gone' ? refuse(response, 404, 'no such model') : fine(asked, response, nth),
    );
    const names = ['endpoint', 'endpoint:gone', `${model.name}:full`];
    const { code, json } = await compare(
      '--json',
      '--rows',
      '30',
      '--models',
      names.join(','),
      '--model-endpoint',
      `${server.origin}/v1`,
      '--model-name',
      'there',
    );
    const asked = new Set(server.asked.map(({ body }) => body.model));
    await server.close();
    const { models } = json() as ComparedModels;
    const [there, gone, local] = models as [ComparedModel, FailedModel, ComparedModel];
    expect({ code, names: models.map((each) => each.asked) }).toEqual({ code: 3, names });
    expect(there).toMatchObject({ model: 'there', precision: 'remote', dimensions: 4, rows: 30 });
    expect(gone.error.message).toContain('404');
    expect(local).toMatchObject({ model: model.name, precision: 'fp32', rows: 30 });
    expect(asked).toEqual(new Set(['there', 'gone']));
  });

  it('says what is missing of judgements, titles and judged pages', async () => {
    await writeFile(join(folder, 'queries.jsonl'), '{"id":"q","text":"tyre"}');
    await writeFile(join(folder, 'qrels.tsv'), 'q\tnone\t1');
    const judged = ['--queries', 'queries.jsonl'];
    for (const [args, words] of [
      [[...judged, '--judgements', 'qrels.tsv'], 'None of the 1 judged keys'],
      [judged, '--queries needs --judgements here'],
      [['--titles', 'nothing'], 'has no column "nothing"'],
      [['--text', 'body'], 'is all of the text'],
      [['--text', 'sql:lower(body)'], 'The text is an expression'],
      [['--judged'], 'Nothing was judged yet'],
      [['--judged', '--titles', 'title'], 'Leave one of the two out'],
    ] as const) {
      const { code, stderr } = await compare('--models', model.name, ...args);
      expect({ args, code, said: stderr }).toEqual({
        args,
        code: words.startsWith('Nothing') ? 3 : 2,
        said: expect.stringContaining(words),
      });
    }
  });
});
