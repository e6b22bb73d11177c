/** Options of searches alone: no row is embedded again for them, and nothing that was verified before says anything of them. */

import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareQueues, withQueues } from '../../../src/planning/open-queues.ts';
import { loadConfig, type Config } from '../../../src/config/load.ts';
import { cutoverGate } from '../../../src/cutover/cutover-gate.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { createIndexSql, wantedIndex } from '../../../src/finalize/index-definition.ts';
import { saveReadMode } from '../../../src/ledger/reads/read-mode.ts';
import { latestRun, type Run } from '../../../src/ledger/run/run.ts';
import { moveRun } from '../../../src/ledger/run/move-run.ts';
import { targetOfRun } from '../../../src/ledger/run/run-target.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { diagnose } from '../../../src/planning/doctor.ts';
import { enqueue } from '../../../src/planning/enqueue.ts';
import type { Finding } from '../../../src/planning/checks/finding.ts';
import { createSearch } from '../../../src/search/create-search.ts';
import { assertPlannedOptions } from '../../../src/verify/checks/run.ts';
import { verify } from '../../../src/verify/verify.ts';
import { runCommand } from '../../setup/command.ts';
import { databases, type TestDatabase } from '../../setup/databases.ts';
import { hashEmbedder, runAll, type RunResult } from '../../setup/whole-run.ts';

const ROWS = 40;

describe.each(databases())('options of searches on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let planned: Config;
  let result: RunResult;
  const load = (options: Record<string, string>): Promise<Config> =>
    loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        QUEUE_URL: database.queueUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_INDEX_METHOD: 'hnsw',
        ...options,
      },
      cwd: '/',
    });
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 6, logger: silentLogger });
    await migrate(pool);
    await pool.query('CREATE TABLE docs (id bigint PRIMARY KEY, body text)');
    await pool.query(`INSERT INTO docs SELECT n, 'text ' || n FROM generate_series(1, ${ROWS}) n`);
    planned = await load({});
    result = await runAll(pool, planned, hashEmbedder());
    await moveRun(pool, result.run.id, ['running'], 'verifying', '');
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  const present = async (): Promise<Run> => (await latestRun(pool, 'docs')) as Run;
  const judge = async (run: Run, { settings }: Config): Promise<boolean> =>
    (await verify({ ...result.context, settings, run, openEmbedder: async () => hashEmbedder() })).passed;
  const gate = async ({ settings }: Config): Promise<string> =>
    (await cutoverGate(pool, result.context.target, await present(), settings)).reason;
  const enqueued = async (config: Config): Promise<void> => {
    const address = await prepareQueues(config, pool, silentLogger);
    const { settings } = config;
    const { target } = result.context;
    const given = { pool, target, settings, embedder: hashEmbedder(), logger: silentLogger, limitRows: null };
    await withQueues(address, (queues) => enqueue({ ...given, queues }));
  };
  const found = async (config: Config, check: string): Promise<Finding | undefined> => {
    const openEmbedder = () => Promise.resolve(hashEmbedder());
    const { findings } = await diagnose({ pool, ...config, openEmbedder, withQueue: false });
    return findings.find((each) => each.check === check);
  };

  it('another query prefix: a run that reads have moved over to is judged again, and everybody says so', async () => {
    expect(await judge(await present(), planned)).toBe(true);
    await moveRun(pool, result.run.id, ['ready'], 'cut_over', '');
    expect(await gate(planned)).toBe('');
    const prefixed = await load({ BACKFILL_MODEL_QUERY_PREFIX: 'query: ' });
    await enqueued(prefixed);
    expect(await present()).toMatchObject({ id: result.run.id, state: 'cut_over' });
    const said = 'model.queryPrefix was nothing, is "query: "';
    expect(await gate(prefixed)).toContain(said);
    expect(await found(prefixed, 'verified')).toMatchObject({
      level: 'warn',
      message: expect.stringContaining(said) as string,
    });
    const events = await pool.query(
      `SELECT message FROM pgvector_backfill.event WHERE kind = 'run.options' AND position($1 IN message) > 0`,
      [said],
    );
    expect(events.rowCount).toBe(1);
    expect(await judge(await present(), prefixed)).toBe(true);
    expect(await gate(prefixed)).toBe('');
    expect(await found(prefixed, 'verified')).toBeUndefined();
  });

  it('another metric: index and verdict are not taken for its own', async () => {
    const { context, run } = result;
    expect(await judge(await present(), planned)).toBe(true);
    const before = await present();
    const other = await load({ BACKFILL_METRIC: 'l2' });
    // A worker or a search that was given it goes by the run; who judges or moves reads is told.
    expect((await targetOfRun(pool, run, other.settings)).settings.metric).toBe('cosine');
    const said = 'metric was "cosine", is "l2"';
    expect(() => assertPlannedOptions(run, other.settings)).toThrow(said);
    expect(await gate(other)).toContain(said);

    // Searches would change at once: not while the index that stands there serves none of them.
    const finding = await found(other, 'metric');
    expect(finding).toMatchObject({ level: 'error', option: 'metric' });
    const [drop = ''] = /DROP INDEX CONCURRENTLY [^;]+/.exec(finding?.remedy ?? '') ?? [];
    await pool.query(drop);
    expect(await found(other, 'metric')).toBeUndefined();
    await enqueued(other);
    const now = await present();
    expect(now).toMatchObject({
      id: run.id,
      state: 'verifying',
      reason: expect.stringContaining(said) as string,
    });
    expect((await targetOfRun(pool, now, planned.settings)).settings.metric).toBe('l2');

    // A finalizer that was in the middle of it builds and verifies what is asked for no more.
    await pool.query(createIndexSql(context.target, wantedIndex(context.target, planned.settings, ROWS)));
    expect(await judge(before, planned)).toBe(true);
    expect((await present()).state).toBe('verifying');
    await moveRun(pool, run.id, ['verifying'], 'ready', '');
    expect(await gate(other)).toContain(said);
    expect(await judge(await present(), other)).toBe(false);
    await pool.query(drop);
    await pool.query(createIndexSql(context.target, wantedIndex(context.target, other.settings, ROWS)));
    expect(await judge(await present(), other)).toBe(true);
    expect((await present()).state).toBe('ready');
    expect(await gate(other)).toBe('');
  });

  it('a search that was given other options goes by those of the run, and says which differ', async () => {
    await saveReadMode(pool, 'docs', { mode: 'vector', percent: null }, { by: 'test', reason: '' });
    const warned = once(process, 'warning');
    const search = createSearch({
      pool,
      backfill: 'docs',
      options: { table: 'docs', text: ['body'], where: 'id < 5', metric: 'l2' },
      embedder: hashEmbedder(),
    });
    try {
      const { hits } = await search.search('text 20', { k: 3 });
      expect(hits[0]).toMatchObject({ key: '20', score: expect.closeTo(1, 5) as number });
      expect(hits).toHaveLength(3);
    } finally {
      await search.close();
    }
    const [warning] = (await warned) as [Error & { code: string }];
    expect(warning.code).toBe('PGVECTOR_BACKFILL_OPTIONS');
    expect(warning.message).toContain('where was nothing, is "id < 5"; metric was "cosine", is "l2"');
  });

  it('what is made for reads although the gate refuses is the run’s', async () => {
    await moveRun(pool, result.run.id, ['verifying'], 'ready', '');
    const others = ['--metric=l2', '--where=id < 5', '--index-method=hnsw', '--table=docs', '--text=body'];
    const env = { DATABASE_URL: database.databaseUrl, QUEUE_URL: database.queueUrl };
    const asked = ['--to', 'shadow', '--override', 'a test', '--execute', '--json', ...others];
    const { code, stderr } = await runCommand('cutover', asked, env);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const made = await pool.query<{ source: string }>(
      `SELECT prosrc AS source FROM pg_proc WHERE proname = 'search_docs'`,
    );
    expect(made.rows[0]?.source).toContain('<=>');
    expect(made.rows[0]?.source).not.toContain('id < 5');
  });
});
