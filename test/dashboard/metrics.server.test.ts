import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { metricsReference } from '../../src/dashboard/metrics/reference.ts';
import { DASHBOARD_METRICS } from '../../src/dashboard/metrics/scrape.ts';
import { createDashboardApp, type DashboardInput } from '../../src/dashboard/server.ts';
import { loadConfig } from '../../src/config/load.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { progressSnapshot } from '../../src/ledger/progress/snapshot.ts';
import { addReadTimes, addTime, emptyTimes } from '../../src/ledger/reads/read-times.ts';
import { Instruments, WORKER_METRICS } from '../../src/observability/instruments.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueues, prepareQueue, type OpenQueue } from '../../src/queue/connection.ts';
import { addEmbedJobs } from '../../src/queue/jobs/producer.ts';
import { createDocs } from '../setup/docs-table.ts';
import { backends, type TestDatabase } from '../setup/databases.ts';
import { hashEmbedder, runAll } from '../setup/whole-run.ts';

const CREDENTIALS = { DASHBOARD_USER: 'admin', DASHBOARD_PASSWORD: 'long enough' };
const docs = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

/** Lines of the exposition format: name with labels → value. */
function parseText(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
/** Labels of the first generation. */
const OF = 'backfill="docs",generation="1"';
const nameOf = (series: string): string => series.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '');

describe.each(backends())('metrics on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let queues: Record<'embed' | 'finalize' | 'sync', OpenQueue>;
  let input: DashboardInput;
  beforeEach(async () => {
    database = await create();
    pool = createPool(database.databaseUrl, { name: 'test', max: 4, logger: silentLogger });
    await createDocs(pool, 50, `CASE WHEN n % 10 <> 0 THEN 'planted ' || n END`);
    await migrate(pool);
    await prepareQueue(database.queueUrl);
    const address = {
      url: database.queueUrl,
      backfill: 'docs',
      installation: randomUUID(),
      logger: silentLogger,
    };
    queues = openQueues(address);
    const config = await loadConfig({
      flags: {},
      env: {
        DATABASE_URL: database.databaseUrl,
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        ...CREDENTIALS,
      },
      cwd: '/',
    });
    await runAll(pool, config, hashEmbedder());
    await addEmbedJobs(queues.embed.queue, randomUUID(), [{ number: 1, lower: null, upper: '7' }], 3, true);
    const { embed, finalize, sync } = queues;
    input = {
      pool,
      backfill: 'docs',
      settings: config.settings,
      queues: { embed: embed.queue, finalize: finalize.queue, sync: sync.queue },
      logger: silentLogger,
    };
  });
  afterEach(async () => {
    await Promise.all(Object.values(queues).map((each) => each.close()));
    await pool.end();
    await database.drop();
  });

  it('tells the snapshot, the queue and the searches, to whom it may, without a look at the table', async () => {
    const times = emptyTimes();
    for (const milliseconds of [1, 3, 3, 40_000, 120_000]) addTime(times, milliseconds);
    await addReadTimes(pool, 'docs', 'vector', { ...times, errors: 2 });
    await addReadTimes(pool, 'docs', 'vector', times);
    const statements: string[] = [];
    const watched = {
      query: (sql: string, values?: unknown[]) => {
        statements.push(sql);
        return pool.query(sql, values);
      },
    } as unknown as Pool;
    const { app, close } = createDashboardApp({ ...input, pool: watched });
    expect((await app.request('/metrics')).status).toBe(401);
    const answer = await app.request('/metrics', {
      headers: { authorization: `Basic ${btoa('admin:long enough')}` },
    });
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await answer.text();
    const values = parseText(text);
    const { rows, coverage, batches } = await progressSnapshot(pool, 'docs');
    for (const [state, value] of Object.entries(rows))
      expect(values.get(`pgvector_backfill_rows{${OF},state="${state}"}`), state).toBe(value);
    expect(rows).toMatchObject({ eligible: 50, embedded: 45, skipped: 5 });
    expect(values.get(`pgvector_backfill_coverage_ratio{${OF}}`)).toBe(coverage);
    expect(values.get(`pgvector_backfill_batches{${OF},state="merged"}`)).toBe(batches.merged);
    expect(values.get(`pgvector_backfill_run_state{${OF},state="running"}`)).toBe(1);
    expect(values.get(`pgvector_backfill_run_state{${OF},state="failed"}`)).toBe(0);
    expect(values.get(`pgvector_backfill_queue_jobs{${OF},queue="embed",state="waiting"}`)).toBe(1);
    expect(values.get(`pgvector_backfill_tokens_total{${OF}}`)).toBe(45);
    expect(values.get(`pgvector_backfill_read_mode{${OF},mode="legacy"}`)).toBe(1);
    expect(values.get(`pgvector_backfill_search_errors_total{${OF},mode="vector"}`)).toBe(2);
    expect(values.get(`pgvector_backfill_search_seconds_count{${OF},mode="vector"}`)).toBe(10);
    expect(values.get(`pgvector_backfill_search_seconds_sum{${OF},mode="vector"}`)).toBeCloseTo(2 * 160.007);
    expect(values.get(`pgvector_backfill_search_seconds_bucket{${OF},mode="vector",le="0.001"}`)).toBe(2);
    expect(values.get(`pgvector_backfill_search_seconds_bucket{${OF},mode="vector",le="0.004"}`)).toBe(6);
    expect(values.get(`pgvector_backfill_search_seconds_bucket{${OF},mode="vector",le="+Inf"}`)).toBe(10);
    const declared = new Set(DASHBOARD_METRICS.map(({ name }) => name));
    expect([...values.keys()].map(nameOf).filter((name) => !declared.has(name))).toEqual([]);
    expect(text).not.toContain('planted');
    expect(statements.length).toBeGreaterThan(5);
    expect(statements.filter((sql) => /\bdocs\b/.test(sql))).toEqual([]);
    await close();
  });
});

describe('the worker’s metrics', () => {
  it('count batches, steps, rows and failures, beside those of the process', async () => {
    const all = new Instruments().withProcess();
    const [instruments, other] = [all.of('docs'), all.of('docs@2')];
    await instruments.step('embed', () => Promise.resolve());
    await expect(instruments.step('merge', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    instruments.merged({ embedded: 7, skipped: 1, quarantined: 0, changed: 0 }, 0.3);
    instruments.tokens(70);
    instruments.failed('transient');
    other.merged({ embedded: 3, skipped: 0, quarantined: 0, changed: 0 }, 0.3);
    const values = parseText(await all.registry.metrics());
    expect(values.get(`pgvector_backfill_worker_step_seconds_count{${OF},step="embed"}`)).toBe(1);
    expect(values.get(`pgvector_backfill_worker_step_seconds_count{${OF},step="merge"}`)).toBe(1);
    expect(values.get(`pgvector_backfill_worker_batch_seconds_bucket{le="0.5",${OF}}`)).toBe(1);
    expect(values.get(`pgvector_backfill_worker_rows_total{${OF},outcome="embedded"}`)).toBe(7);
    expect(values.get(`pgvector_backfill_worker_tokens_total{${OF}}`)).toBe(70);
    expect(values.get(`pgvector_backfill_worker_batch_failures_total{${OF},class="transient"}`)).toBe(1);
    expect(
      values.get('pgvector_backfill_worker_rows_total{backfill="docs",generation="2",outcome="embedded"}'),
    ).toBe(3);
    expect(values.has('process_resident_memory_bytes')).toBe(true);
    // The ending says counter to whoever reads it.
    const types = [...(await all.registry.metrics()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    expect(types.filter(([, name = '', type]) => name.endsWith('_total') && type !== 'counter')).toEqual([]);
  });
});

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}
interface Panel {
  title: string;
  datasource: { uid: string };
  targets: { expr: string; datasource: { uid: string } }[];
  gridPos: { x: number; y: number; w: number; h: number };
}

describe('the documents about metrics', () => {
  const exposed = new Set([...DASHBOARD_METRICS, ...WORKER_METRICS].map(({ name }) => name));
  /** Names, with the labels that are asked for. */
  const unknown = (expr: string): string[] =>
    [...expr.matchAll(/pgvector_backfill_\w+/g)]
      .map(([name]) => name)
      .filter((name) => !exposed.has(nameOf(name)));

  it('names end with a unit, and count what only grows', () => {
    for (const { name, type, help } of [...DASHBOARD_METRICS, ...WORKER_METRICS]) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help, name).toMatch(/\.$/);
    }
  });

  it('alerts.yml: every rule is whole and asks for what is exposed', async () => {
    const { groups } = parse(await docs('alerts.yml')) as { groups: { rules: Rule[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const rule of rules) {
      expect(rule.expr, rule.alert).toContain('pgvector_backfill_');
      expect(unknown(rule.expr), rule.alert).toEqual([]);
      expect(rule.for, rule.alert).toMatch(/^\d+[smh]$/);
      expect(rule.labels.severity, rule.alert).toMatch(/^(warning|critical)$/);
      expect(rule.annotations.summary.length, rule.alert).toBeGreaterThan(10);
      expect(rule.annotations.description.length, rule.alert).toBeGreaterThan(10);
    }
  });

  it('grafana.json: every panel asks for what is exposed, by the variable’s data source', async () => {
    const { panels, templating } = JSON.parse(await docs('grafana.json')) as {
      panels: Panel[];
      templating: { list: { name: string; definition?: string }[] };
    };
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'generation']);
    for (const { definition = '' } of templating.list.slice(1)) expect(unknown(definition)).toEqual([]);
    for (const { title, datasource, targets, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (const target of targets) {
        expect([datasource.uid, target.datasource.uid], title).toEqual(['${datasource}', '${datasource}']);
        expect(target.expr, title).toContain('pgvector_backfill_');
        expect(unknown(target.expr), title).toEqual([]);
      }
    }
  });

  it('metrics.md is what `npm run docs` makes of the declarations', async () => {
    const cells = (text: string): string => text.replaceAll(/ *\| */g, '|').replaceAll(/-{3,}/g, '---');
    expect(cells(await docs('metrics.md'))).toBe(cells(metricsReference()));
  });
});
