/**
 * Row text and secrets are planted in a run where much goes wrong. Afterwards no log, no job, no ledger row, no page for
 * whoever has no credentials, no metric and no trace may hold one of them.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, startCommand, type CommandResult } from '../setup/command.ts';
import { backends, dropRole, onServer } from '../setup/databases.ts';
import { everythingInRedis, everythingKept } from '../setup/kept.ts';
import { sampleModel } from '../setup/model.ts';

const ROW_TEXT = 'plantedword4711';
const SECRETS = {
  database: 'planted-password-of-the-role',
  dashboard: 'planted-password-of-the-dashboard',
  token: 'planted-token-of-the-dashboard',
  traces: 'planted-header-of-the-collector',
};
const ROWS = 40;

interface Span {
  name: string;
  traceId: string;
  attributes: { key: string }[];
}
interface Traces {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Span[] }[];
  }[];
}

/** An OTLP receiver that keeps what it is sent. */
class Collector {
  readonly bodies: string[] = [];
  readonly headers: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        this.bodies.push(body);
        this.headers.push(request.headers.authorization ?? '');
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }
  static async start(): Promise<Collector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Collector(server);
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  get traces(): Traces[] {
    return this.bodies.map((body) => JSON.parse(body) as Traces);
  }
  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const model = sampleModel();
let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
});
afterAll(async () => {
  await collector.close();
});

describe.each(backends())('planted text and secrets on $name', ({ name, create }) => {
  let backfill: TestBackfill;
  let forget: () => Promise<void> = () => Promise.resolve();
  afterEach(async () => {
    await backfill.close();
    await forget();
  });

  /** A login of its own, whose password is known to be nowhere else. The embedded server has none. */
  async function withPassword(databaseUrl: string): Promise<string> {
    const server = inject('postgresUrl');
    if (name === 'embedded' || server === null) return databaseUrl;
    const url = new URL(databaseUrl);
    const role = `leaks_${url.pathname.slice(1)}`;
    await onServer(server, `CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${SECRETS.database}'`);
    forget = () => dropRole(databaseUrl, role);
    url.username = role;
    url.password = SECRETS.database;
    return url.href;
  }

  it('are found nowhere', async () => {
    collector.bodies.length = 0;
    const database = await create();
    backfill = await openBackfill(database, model, {
      DATABASE_URL: await withPassword(database.databaseUrl),
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '10',
      BACKFILL_LOG_LEVEL: 'trace',
      BACKFILL_INDEX_COVERAGE: '0.5',
      BACKFILL_VERIFY_RECALL: '0',
      BACKFILL_LEGACY_SEARCH: `SELECT id FROM docs WHERE body ILIKE '%' || $1 || '%' LIMIT $2`,
    });
    const { pool, env } = backfill;
    await createDocs(pool);
    // Among them one that the model knows no word of, and one whose update is refused by words with its text.
    await pool.query(
      `INSERT INTO docs SELECT n, CASE n WHEN 5 THEN $2 ELSE 'bread garden ' || $2 || ' ' || n END FROM generate_series(1, $1::int) n`,
      [ROWS, ROW_TEXT],
    );
    await pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'row with % is not to be written', NEW.body; END $$`);
    await pool.query(
      'CREATE TRIGGER refuse BEFORE UPDATE ON docs FOR EACH ROW WHEN (OLD.id = 13) EXECUTE FUNCTION refuse()',
    );
    const closed = {
      ...env,
      DASHBOARD_USER: 'admin',
      DASHBOARD_PASSWORD: SECRETS.dashboard,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${SECRETS.traces}`,
      BACKFILL_METRICS_PORT: '0',
    };
    const output: string[] = [];
    const keep = ({ code, stdout, stderr }: CommandResult): number | null => {
      output.push(stdout, stderr);
      return code;
    };
    // In a process of its own whatever adds or does jobs: traces are of these, and set up by a process's environment.
    const start = async (verb: string): Promise<number | null> =>
      keep(await startCommand(verb, [], closed).ended);
    expect(keep(await runCommand('doctor', [], closed))).toBe(0);
    expect(await start('enqueue')).toBe(0);
    const worker = startCommand('worker', ['--exit-when-done'], closed);
    const started = JSON.parse(await worker.waitFor(/worker started/)) as { metrics: string };
    const workerPages = [
      await (await fetch(started.metrics)).text(),
      await (await fetch(started.metrics.replace('metrics', 'readyz'))).text(),
    ];
    expect(workerPages).toEqual([expect.stringContaining('pgvector_backfill_worker_batch_seconds'), 'ready']);
    const worked = await worker.ended;
    keep(worked);
    const merged = worked.stderr
      .split('\n')
      .filter((line) => line.includes('batch merged'))
      .map((line) => JSON.parse(line) as object);
    expect(merged.length).toBeGreaterThan(0);
    for (const line of merged)
      expect(line).toMatchObject({
        run: '1',
        batch: expect.any(Number) as number,
        worker: expect.stringMatching(/\/\d+$/) as string,
        elapsedMs: expect.any(Number) as number,
      });
    expect(await backfill.snapshot()).toMatchObject({ rows: { embedded: ROWS - 2, quarantined: 2 } });
    await start('retry');
    for (const verb of ['status', 'verify', 'cutover', 'rollback']) keep(await runCommand(verb, [], closed));

    // For whoever was shown the address with its token: on this machine, where no credentials need be set.
    const open = startCommand('dashboard', ['--port', '0'], env);
    const [, url = '', token = ''] = /(http:\S+?)\/\?token=(\S+)/.exec(await open.waitFor(/token=/)) ?? [];
    const headers = { authorization: `Bearer ${token}` };
    const pages: string[] = [];
    for (const path of ['/search?q=bread&k=20', '/judge', '/'])
      pages.push(await (await fetch(`${url}${path}`)).text());
    for (const path of [
      '/',
      '/api/status',
      '/metrics',
      '/queues',
      ...['waiting', 'completed', 'failed', 'delayed'].map(
        (state) => `/queues/api/queues?activeQueue=docs-embed&status=${state}&page=1`,
      ),
    ])
      pages.push(await (await fetch(`${url}${path}`, { headers })).text());
    const events = (await fetch(`${url}/events`, { headers })).body?.getReader();
    pages.push(new TextDecoder().decode((await events?.read())?.value));
    await events?.cancel();
    open.child.kill('SIGTERM');
    const opened = await open.ended;
    keep(opened);
    // Shown once, to whoever started it.
    expect(opened.stdout.split(token)).toHaveLength(2);
    expect(opened.stderr).not.toContain(token);
    const guarded = startCommand('dashboard', ['--port', '0'], { ...closed, DASHBOARD_TOKEN: SECRETS.token });
    const guardedUrl = /http:\S+?(?=\s)/.exec(await guarded.waitFor(/Dashboard: http/))?.[0] ?? '';
    const own = { headers: { authorization: `Bearer ${SECRETS.token}` } };
    for (const path of ['/', '/api/status', '/metrics', '/queues'])
      pages.push(await (await fetch(`${guardedUrl}${path}`, own)).text());
    guarded.child.kill('SIGTERM');
    keep(await guarded.ended);

    const everywhere = {
      output: output.join('\n'),
      pages: [...pages, ...workerPages].join('\n'),
      traces: collector.bodies.join('\n'),
      ledger: await everythingKept(pool, 'docs'),
      redis: await everythingInRedis(database.queueUrl),
    };
    expect(everywhere.pages).toContain('no word of the text is known to the model');
    expect(everywhere.ledger).toContain('pgvector_backfill.quarantine');
    for (const [place, text] of Object.entries(everywhere)) {
      const found = [ROW_TEXT, ...Object.values(SECRETS)].filter((planted) => text.includes(planted));
      expect(found, place).toEqual([]);
    }
    // What was to be sent was sent: jobs from where they were added to where they were done, and the steps of a batch.
    expect(new Set(collector.headers)).toEqual(new Set([SECRETS.traces]));
    const { traces } = collector;
    const spans = traces.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    const service = traces[0]?.resourceSpans[0]?.resource.attributes.find(
      ({ key }) => key === 'service.name',
    );
    expect(service?.value.stringValue).toBe('pgvector-backfill');
    const named = (text: string): Span[] => spans.filter((span) => span.name.includes(text));
    for (const step of ['read', 'embed', 'stage', 'merge', 'account'])
      expect(named(`batch ${step}`).length, step).toBeGreaterThan(0);
    const added = new Set(named('addBulk').map(({ traceId }) => traceId));
    expect(named('batch embed').every(({ traceId }) => added.has(traceId))).toBe(true);
  });
});
