/** A whole run, from enqueue to the table as it was found, on databases whose settings are not what one expects. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { LEGACY_BASE } from '../../src/ledger/reads/read-mode.ts';
import { cutoverGate } from '../../src/cutover/cutover-gate.ts';
import { changeReads } from '../../src/cutover/change-reads.ts';
import { planSchemaRollback } from '../../src/cutover/schema-rollback.ts';
import { loadLibrarySql, planSearchFunction, settingsOfReads } from '../../src/cutover/search-function.ts';
import { runSteps } from '../../src/cutover/planned-steps.ts';
import { listEvents } from '../../src/ledger/event/event.ts';
import { listQuarantine } from '../../src/ledger/rows/quarantine.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { createSearch } from '../../src/search/create-search.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { openBackfill, REPEATED_TEXTS, type TestBackfill } from '../setup/backfill.ts';
import { catalogState } from '../setup/catalog.ts';
import { hasRedis, onServer } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { drainChanges, expectSynced } from '../setup/synced.ts';
import { applicationPool } from '../setup/application-pool.ts';

/** Set for a database or a role: both come before the first statement of a session. */
const SETTINGS: Record<string, string> = {
  standard_conforming_strings: 'off',
  escape_string_warning: 'off',
  transform_null_equals: 'on',
  array_nulls: 'off',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-10',
  quote_all_identifiers: 'on',
  xmloption: 'document',
  lc_numeric: 'C.UTF-8',
  lc_messages: 'C.UTF-8',
  default_text_search_config: 'pg_catalog.german',
  statement_timeout: '5s',
  lock_timeout: '10ms',
  idle_in_transaction_session_timeout: '100ms',
  transaction_timeout: '2s',
  idle_session_timeout: '10min',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  search_path: 'shadows, pg_catalog, public',
  enable_seqscan: 'off',
  enable_nestloop: 'off',
  enable_hashjoin: 'off',
  enable_sort: 'off',
  enable_material: 'off',
  plan_cache_mode: 'force_generic_plan',
  jit: 'on',
  gin_fuzzy_search_limit: '1',
  'hnsw.ef_search': '77',
  'hnsw.iterative_scan': 'relaxed_order',
  check_function_bodies: 'off',
  default_toast_compression: 'pglz',
  synchronous_commit: 'off',
  row_security: 'on',
  temp_buffers: '800kB',
  work_mem: '64kB',
  vacuum_cost_delay: '1ms',
  constraint_exclusion: 'on',
  join_collapse_limit: '1',
  client_min_messages: 'debug1',
};
const KINDS = [
  ['a database', `ENCODING 'SQL_ASCII' LOCALE 'C'`],
  [
    'a role that owns its database',
    `ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'`,
  ],
] as const;
const ROWS = 60;
/** Not a capital S in any of them, and a word that the model does not know alone in the last. */
const TEXTS = `CASE n WHEN 1 THEN ' ' WHEN 2 THEN 'zzqx' ELSE (ARRAY['bicycle with a flat tyre', 'bread and soup', 'rain in the garden'])[1 + n % 3] || ' ' || n END`;

const model = sampleModel();
let backfill: TestBackfill;
afterEach(() => backfill.close());

async function open(whose: (typeof KINDS)[number][0], kind: string): Promise<pg.Pool> {
  const server = inject('postgresUrl') ?? '';
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  // Not a session of that database, which each setting would hold for.
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ${kind}`);
  await onServer(url.href, 'CREATE EXTENSION vector');
  if (whose !== 'a database') {
    await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
    await admin.query(`ALTER DATABASE ${name} OWNER TO ${name}`);
    url.username = url.password = name;
  }
  const settled = `${whose === 'a database' ? 'DATABASE' : 'ROLE'} ${name}`;
  for (const [setting, value] of Object.entries(SETTINGS)) {
    const values = value.split(', ').map((each) => `'${each}'`);
    await admin.query(`ALTER ${settled} SET ${setting} = ${values.join(', ')}`).catch((error: unknown) => {
      // An older server does not know all of them.
      if ((error as { code?: string }).code !== '42704') throw error;
    });
  }
  await admin.end();
  const database = {
    databaseUrl: url.href,
    queueUrl: inject('redisUrl') ?? '',
    async drop() {
      await onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await onServer(server, `DROP ROLE IF EXISTS ${name}`);
    },
  };
  backfill = await openBackfill(database, model, {
    ...REPEATED_TEXTS,
    BACKFILL_TABLE: 'public.docs',
    BACKFILL_TEXT: 'body',
    BACKFILL_WHERE: `words @@ 'live'::tsquery`,
    BACKFILL_BATCH_ROWS: '20',
    BACKFILL_SYNC_SECONDS: '1',
    BACKFILL_INDEX_COVERAGE: '0.9',
  });
  const { pool } = backfill;
  await pool.query(`CREATE SCHEMA shadows;
    CREATE FUNCTION shadows.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION shadows.never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR shadows.= (LEFTARG = text, RIGHTARG = text, FUNCTION = shadows.never)`);
  await pool.query(
    `CREATE TABLE public.docs (id bigint PRIMARY KEY, body text NOT NULL, words tsvector NOT NULL DEFAULT 'live')`,
  );
  await pool.query('CREATE INDEX docs_words_idx ON public.docs USING gin (words)');
  await pool.query(`INSERT INTO public.docs SELECT n, ${TEXTS} FROM generate_series(1, ${ROWS}) n`);
  await pool.query('ANALYZE public.docs');
  return applicationPool(url.href, 2);
}

describe.runIf(hasRedis()).each(KINDS)('%s with two dozen unusual settings, %s', (whose, kind) => {
  it('goes all the way and back', async () => {
    const application = await open(whose, kind);
    try {
      const { pool, config } = backfill;
      const shown = await application.query<{ scs: string; style: string }>(
        `SELECT current_setting('standard_conforming_strings') AS scs, current_setting('DateStyle') AS style`,
      );
      expect(shown.rows).toEqual([{ scs: 'off', style: 'German, DMY' }]);
      const before = await catalogState(pool, 'public.docs');
      await backfill.enqueue();
      expect(await backfill.work()).toMatchObject({ state: 'ready', reason: '' });
      expect(await backfill.account()).toMatchObject({
        eligible: ROWS,
        embedded: ROWS - 2,
        skipped: 1,
        quarantined: 1,
      });
      const [quarantined] = await listQuarantine(pool, config.backfill, 5);
      expect(quarantined).toMatchObject({ key: '2' });
      for (const { at } of [...(await listEvents(pool, config.backfill, 50)), { at: quarantined?.at ?? '' }])
        expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(600_000);

      await application.query(`UPDATE public.docs SET body = 'rain on the bicycle' WHERE id IN (5, 50)`);
      await application.query(`INSERT INTO public.docs VALUES (${ROWS + 1}, 'soup in the garden')`);
      await application.query('DELETE FROM public.docs WHERE id = 7');
      await drainChanges(backfill);
      await expectSynced(backfill);

      const target = await backfill.target();
      const run = await backfill.run();
      const gate = await cutoverGate(pool, target, run, config.settings);
      expect(gate).toMatchObject({ passed: true });
      const read = await settingsOfReads(pool, target);
      const inSql = await planSearchFunction(pool, target, config.settings.metric, read);
      await changeReads(pool, run, {
        to: { mode: 'vector', percent: null, generation: 1, base: LEGACY_BASE },
        reason: '',
        override: null,
        detail: {},
        statements: inSql.statements,
        prepare: loadLibrarySql(target),
      });
      const search = createSearch({
        pool: application,
        backfill: config.backfill,
        options: { model: { name: model.name, localPath: model.localPath, quantized: false } },
      });
      const found = await search.search('bicycle with a flat tyre', { k: 5 });
      expect(found).toMatchObject({ mode: 'vector', answeredBy: 'vector' });
      expect(found.hits).toHaveLength(5);
      const near = await application.query<{ distance: number }>(
        `SELECT distance FROM ${inSql.name}((SELECT embedding FROM public.docs WHERE id = 9), 3)`,
      );
      expect(near.rows.map(({ distance }) => Math.round(distance * 1e3))).toEqual([0, 0, 0]);
      await search.close();

      const address = await prepareQueues(config, pool, silentLogger);
      await withQueues(address, async (queues) =>
        runSteps(await planSchemaRollback([{ pool, target, settings: config.settings, queues, reason: '' }])),
      );
      expect({ ...(await catalogState(pool, 'public.docs')), rows: null }).toEqual({ ...before, rows: null });
    } finally {
      await application.end();
    }
  });
});
