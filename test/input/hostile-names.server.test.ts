/** Whoever may create in a schema of the path makes a better fitting function of each name that we use: none is ever called. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEGACY_BASE } from '../../src/ledger/reads/read-mode.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { changeReads } from '../../src/cutover/change-reads.ts';
import { planCompletion } from '../../src/cutover/completion.ts';
import { cutoverGate } from '../../src/cutover/cutover-gate.ts';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import { loadLibrarySql, planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { runSteps } from '../../src/cutover/planned-steps.ts';
import { blockers, diagnose } from '../../src/planning/doctor.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { compareSearches } from '../../src/search/compare.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { legacySearch } from '../../src/search/queries/legacy-query.ts';
import { explainSearches } from '../../src/search/explain.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { dropRole, hasPostgres, onServer, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { sharedEmbedder } from '../setup/embedder.ts';
import { hostileCalls, makeHostileNames } from '../setup/hostile-names.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges } from '../setup/synced.ts';
import { until } from '../setup/until.ts';
import { applicationPool } from '../setup/application-pool.ts';

const MALLORY = `pgvb_names_${randomBytes(4).toString('hex')}`;
const ROWS = 40;
const model = sampleModel();

describe.runIf(hasPostgres())('names that another role has made', () => {
  let database: TestDatabase;
  let backfill: TestBackfill;
  let hostileUrl: string;
  beforeAll(async () => {
    database = await realDatabase(undefined, { bare: true });
    const name = new URL(database.databaseUrl).pathname.slice(1);
    await onServer(
      database.databaseUrl,
      `CREATE EXTENSION vector; CREATE ROLE ${MALLORY} LOGIN PASSWORD 'x'; GRANT CREATE ON SCHEMA public TO ${MALLORY};
       ALTER DATABASE "${name}" SET track_functions = 'all';
       CREATE TABLE docs (id bigint PRIMARY KEY, title varchar(200), body text, shown boolean NOT NULL DEFAULT true);
       INSERT INTO docs SELECT n, 'bicycle ' || n, 'a flat tyre on the bicycle, soup number ' || n FROM generate_series(1, ${ROWS}) n`,
    );
    const url = new URL(database.databaseUrl);
    url.username = MALLORY;
    url.password = 'x';
    hostileUrl = url.href;
  });
  afterAll(async () => {
    await dropRole(database.databaseUrl, MALLORY);
  });
  const open = (options: Record<string, string> = {}): Promise<TestBackfill> =>
    openBackfill(
      { ...database, drop: () => Promise.resolve() },
      model,
      {
        ...REPEATED_TEXTS,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'title,body',
        BACKFILL_BATCH_ROWS: '15',
        BACKFILL_SYNC_SECONDS: '1',
        ...options,
      },
      { pinned: true },
    );
  const openEmbedder = () => sharedEmbedder(backfill.config.settings, 1);

  it('are called by nothing of ours: doctor, enqueue, workers, verify, searches, cut-over and the way back', async () => {
    const made = await makeHostileNames(hostileUrl);
    expect(made.functions).toBeGreaterThan(1000);
    expect(made.operators).toBeGreaterThan(1000);
    // A call that is meant: the server counts it.
    await onServer(database.databaseUrl, `SELECT lower('A'::varchar)`);
    const looking = applicationPool(database.databaseUrl, 1);
    const meant = await until('the call is counted', async () => {
      const counted = await hostileCalls(looking, MALLORY);
      return counted.length > 0 ? counted : null;
    });
    await looking.end();
    backfill = await open();
    const { pool, config } = backfill;
    const application = applicationPool(database.databaseUrl, 2);
    try {
      const { findings } = await diagnose({
        pool,
        ...config,
        openEmbedder,
        withQueue: true,
        calibrate: true,
      });
      expect(blockers(findings)).toEqual([]);
      await backfill.enqueue();
      expect(await backfill.work()).toMatchObject({ state: 'ready', reason: '' });
      await backfill.enqueue();
      await application.query(
        `UPDATE public.docs SET body = 'rain' WHERE id OPERATOR(pg_catalog.=) 5::bigint; DELETE FROM public.docs WHERE id OPERATOR(pg_catalog.=) 7::bigint; INSERT INTO public.docs (id, title) VALUES (1000, 'soup')`,
      );
      await drainChanges(backfill);
      expect(await backfill.account()).toMatchObject({
        eligible: ROWS,
        embedded: ROWS,
        stale: 0,
        missing: 0,
      });
      const target = await backfill.target();
      const run = await backfill.run();
      expect(await backfill.verify()).toMatchObject({ passed: true });
      const embedder = await openEmbedder();
      const input = { pool, target, settings: config.settings, embedder };
      expect((await compareSearches(input, 'flat tyre', 5)).vector).toHaveLength(5);
      await explainSearches(input, 'flat tyre', 5, null);
      expect(await cutoverGate(pool, target, run, config.settings)).toMatchObject({ passed: true });
      const inSql = await planSearchFunction(
        pool,
        target,
        config.settings.metric,
        await settingsOfReads(pool, target),
      );
      for (const mode of ['shadow', 'vector', 'hybrid'] as const) {
        await changeReads(pool, run, {
          to: { mode, percent: null, generation: 1, base: LEGACY_BASE },
          reason: '',
          override: null,
          detail: {},
          statements: mode === 'shadow' ? inSql.statements : [],
          prepare: loadLibrarySql(target),
        });
        const search = createSearch({ pool: application, backfill: config.backfill, embedder });
        expect((await search.search('flat tyre', { k: 4 })).hits).toHaveLength(4);
        await search.close();
      }
      const near = await application.query(
        `SELECT key FROM public.search_docs((SELECT embedding FROM public.docs WHERE id OPERATOR(pg_catalog.=) 9::bigint), 3)`,
      );
      expect(near.rowCount).toBe(3);
      await backfill.snapshot();
      expect(await backfill.verify()).toMatchObject({ passed: true });
      const address = await prepareQueues(config, pool, silentLogger);
      await withQueues(address, async (queues) => {
        const { settings } = config;
        await runSteps(
          await planCompletion({
            pool,
            target,
            settings,
            queues,
            run: await backfill.run(),
            keepSync: true,
            reason: '',
          }),
        );
        await runSteps(await planSchemaRollback([{ pool, target, settings, queues, reason: '' }]));
      });
    } finally {
      await application.end();
      await pool.end();
    }
    const left = applicationPool(database.databaseUrl, 1);
    expect(await hostileCalls(left, MALLORY)).toEqual(meant);
    await left.end();
  });

  it('cannot come between an expression of the operator and what it was written for', async () => {
    await onServer(
      database.databaseUrl,
      `DROP OWNED BY ${MALLORY} CASCADE; GRANT CREATE ON SCHEMA public TO ${MALLORY}`,
    );
    backfill = await open({
      BACKFILL_WHERE: `lower(title) <> 'soup' AND shown`,
      BACKFILL_TEXT: `sql:upper(title) || ' ' || body`,
    });
    const { pool, config } = backfill;
    const blocking = async (): Promise<string[]> =>
      blockers((await diagnose({ pool, ...config, openEmbedder, withQueue: false })).findings).map(
        ({ message }) => message,
      );
    try {
      expect(await blocking()).toEqual([]);
      const { findings } = await diagnose({ pool, ...config, openEmbedder, withQueue: false });
      expect(findings.filter(({ check }) => check === 'search-path')).toMatchObject([
        {
          level: 'warn',
          message: expect.stringContaining(`${MALLORY} may create in schema public`) as string,
        },
      ]);
      await backfill.enqueue();
      await onServer(
        hostileUrl,
        `CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'soup'; END $$;
         CREATE FUNCTION public.upper(varchar) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'mine'; END $$`,
      );
      expect(await backfill.work()).toMatchObject({ state: 'ready', rows: { embedded: ROWS - 1 } });
      expect(await backfill.verify()).toMatchObject({ passed: true });
      const target = await backfill.target();
      expect(target.where).toContain('lower((docs.title)::text)');
      // Whoever plans for it now would plan for another's function.
      expect(await blocking()).toEqual([
        expect.stringContaining(
          `Option text means function public.upper(character varying), which belongs to role ${MALLORY}`,
        ),
      ]);
      await onServer(database.databaseUrl, `DROP FUNCTION public.upper(varchar)`);
      // The search in use today and filters are run as they are: not with another's function in them.
      const searches = await open({
        BACKFILL_LEGACY_SEARCH: `SELECT id FROM docs WHERE lower(title) LIKE lower($1) LIMIT $2;`,
        BACKFILL_SEARCH_FILTERS: JSON.stringify([
          { name: 'of', where: 'lower(title) = $1', values: ['soup'] },
        ]),
      });
      const { findings: foreign } = await diagnose({
        pool: searches.pool,
        ...searches.config,
        openEmbedder,
        withQueue: false,
      });
      expect(blockers(foreign).map(({ option }) => option)).toEqual(['legacySearch', 'search.filters']);
      const { settings } = searches.config;
      await expect(legacySearch(searches.pool, target, settings, 'soup', 3)).rejects.toMatchObject({
        code: 'EXPRESSION_FOREIGN',
      });
      await searches.pool.end();
      await onServer(database.databaseUrl, `DROP FUNCTION public.lower(varchar)`);
      expect(await blocking()).toEqual([]);
      const left = await pool.query(
        `SELECT 1 FROM pg_stat_user_functions WHERE funcname IN ('lower', 'upper') AND schemaname = 'public'`,
      );
      expect(left.rowCount).toBe(0);
    } finally {
      await pool.end();
    }
  });
});
