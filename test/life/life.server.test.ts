/**
 * A service that stands for long, in short: a table under hundreds of edits a second, workers that come and go, servers
 * that restart, fail over and fill up. At the end it has gathered nothing that it had not after the first tenth, every
 * vector is that of its text, and each warning in the log is explained.
 *
 * `npm run test:life` runs it for an hour. LIFE_SECONDS, LIFE_ROWS, LIFE_EDITS (a second) and LIFE_SEED set it; LIFE_WITHOUT
 * leaves out faults by name, separated by commas.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { uniform } from '../../src/random.ts';
import { wrongVectors } from '../chaos/wrong-vectors.ts';
import { WORDS } from '../chaos/faults.ts';
import { REPEATED_TEXTS, openBackfill } from '../setup/backfill.ts';
import { hasContainers, onServer } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { grown, takeMeasurements, type Measurements } from './measurements.ts';
import { Life } from './life.ts';
import { WatchedLog } from './log.ts';
import { LifeServers } from './servers.ts';
import { startLifeWriter } from './writer.ts';

const SECONDS = Number(process.env['LIFE_SECONDS'] ?? 0);
const ROWS = Number(process.env['LIFE_ROWS'] ?? 200_000);
const EDITS = Number(process.env['LIFE_EDITS'] ?? 300);
const SEED = Number(process.env['LIFE_SEED'] ?? 20_261_129);
/** Of the log of all processes, for each fault, more than twice as many as after the first tenth: those of a worker's start. */
const BYTES_MORE = 3000;
/** For the beginning, the index and the check of every vector. */
const BESIDES_MS = 600_000 + ROWS * 5;

const CREDENTIALS = { DASHBOARD_USER: 'admin', DASHBOARD_PASSWORD: 'long enough' };

const model = sampleModel();
const tell = (line: string): void => void process.stdout.write(`life: ${line}\n`);

describe.runIf(SECONDS > 0 && hasContainers())('a long life', () => {
  it(`gathers nothing, in ${SECONDS} s`, { timeout: SECONDS * 3000 + BESIDES_MS }, async () => {
    tell(`LIFE_SECONDS=${SECONDS} LIFE_ROWS=${ROWS} LIFE_EDITS=${EDITS} LIFE_SEED=${SEED}`);
    const temporary = await mkdtemp(join(tmpdir(), 'pgvector-backfill-life-'));
    const servers = await LifeServers.start();
    onTestFinished(async () => {
      looking.abort();
      life?.kill();
      await servers.close();
      await rm(temporary, { recursive: true, force: true });
    });
    let life: Life | null = null;
    const looking = new AbortController();
    await onServer(servers.postgresProxy.url, 'CREATE DATABASE life');
    const databaseUrl = Object.assign(new URL(servers.postgresProxy.url), { pathname: '/life' }).href;
    await onServer(
      databaseUrl,
      'CREATE EXTENSION vector; CREATE TABLE docs (id bigint PRIMARY KEY, body text)',
    );
    await onServer(
      databaseUrl,
      `INSERT INTO docs SELECT n, 'bread ' || (SELECT string_agg((ARRAY['${WORDS.join("','")}'])[1 + abs(hashint8(n * 31 + w)) % ${WORDS.length}], ' ') FROM generate_series(1, 3 + n % 6) w) FROM generate_series(1, ${ROWS}) n`,
    );
    const backfill = await openBackfill(
      { databaseUrl, queueUrl: servers.redisProxy.url, drop: () => Promise.resolve() },
      model,
      {
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_LOG_LEVEL: 'info',
        BACKFILL_CONCURRENCY: '2',
        BACKFILL_DRAIN_SECONDS: '30',
        // The gate counts what is changed and not in line yet, and the writer never rests.
        BACKFILL_INDEX_COVERAGE: '0.8',
        DASHBOARD_PORT: '0',
        ...CREDENTIALS,
        // Few words make few distances: what recall is of is another test's.
        ...REPEATED_TEXTS,
        BACKFILL_VERIFY_TOLERANCE: '1',
      },
    );
    const env = { ...backfill.env, TMPDIR: temporary };
    const log = new WatchedLog();
    const random = uniform(SEED);
    const lived = new Life({ backfill, servers, env, log, random, tell });
    life = lived;
    const writer = (): ReturnType<typeof startLifeWriter> =>
      startLifeWriter(backfill.pool, ROWS, EDITS, random);

    await backfill.enqueue();
    const { dashboardUrl } = await lived.begin();
    let writing = writer();
    const watched = watch(dashboardUrl, looking.signal);
    // Heard of at the end.
    watched.catch(() => {});
    // Batches meet the same faults as sync.
    for (const kind of lived.kinds.filter((name) => !name.includes('index'))) await lived.fault(kind, false);
    await lived.inLine('the beginning');

    let written = 0;
    const measurements = async (): Promise<Measurements> => {
      await lived.guestsGo();
      await writing.stop();
      written += writing.written;
      await lived.drained();
      const { worker, dashboard } = lived.residents;
      const processes = { worker: worker.child.pid ?? 0, dashboard: dashboard.child.pid ?? 0 };
      return servers.onRedis((redis) =>
        takeMeasurements({ processes, pool: backfill.pool, redis, temporary }),
      );
    };

    const began = performance.now();
    const share = (): number => (performance.now() - began) / (1000 * SECONDS);
    let after: { measurements: Measurements; bytes: number; faults: number } | null = null;
    // Every kind of fault at least once, in an order of its own; then by chance.
    const first = lived.kinds.toSorted(() => random() - 0.5);
    for (let at = 0; share() < 1 || at < first.length; at++) {
      const kinds = lived.kinds;
      await lived.fault(first[at] ?? kinds[Math.floor(random() * kinds.length)] ?? '');
      // What is made once, at the first fault of a kind, is no leak: pools fill, code is compiled, buffers are kept.
      if (after === null && share() >= 0.1 && at >= Math.min(first.length - 1, SECONDS / 20)) {
        after = { measurements: await measurements(), bytes: log.bytes, faults: lived.faults.length };
        tell(`after the first tenth: ${JSON.stringify(after.measurements)}, ${log.bytes} bytes of log`);
        writing = writer();
      }
    }
    const last = await measurements();
    looking.abort();
    const { scrapes, streams } = await watched;
    tell(`at the end: ${JSON.stringify(last)}, ${log.bytes} bytes of log, ${written} rows written`);
    tell(`${lived.faults.length} faults; seconds until in line: ${JSON.stringify(lived.recovered)}`);
    tell(`warnings: ${JSON.stringify(Object.fromEntries(log.told))}; ${scrapes} scrapes, ${streams} streams`);

    expect(log.unexplained).toEqual([]);
    if (after === null) throw new Error('too short: nothing was measured after the first tenth');
    expect(grown(after.measurements, last)).toEqual([]);
    const bytesAFault = (log.bytes - after.bytes) / (lived.faults.length - after.faults);
    expect(bytesAFault).toBeLessThan((2 * after.bytes) / after.faults + BYTES_MORE);
    const account = await backfill.account();
    expect(account).toMatchObject({ missing: 0, stale: 0, quarantined: 0 });
    expect(account.embedded + account.skipped).toBe(account.eligible);
    expect(await backfill.snapshot()).toMatchObject({ state: 'ready', reason: '', index: { valid: true } });
    expect(await wrongVectors(backfill)).toEqual([]);
    // Told to go, both go, and leave no file behind.
    expect(await lived.end()).toEqual({ worker: 0, dashboard: 0 });
    await backfill.close();
  });
});

/** Prometheus and an open page beside it, through every outage. @returns scrapes that were answered, streams that were opened. */
async function watch(url: string, signal: AbortSignal): Promise<{ scrapes: number; streams: number }> {
  let scrapes = 0;
  let streams = 0;
  const { DASHBOARD_USER: user, DASHBOARD_PASSWORD: password } = CREDENTIALS;
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const page = async (): Promise<void> => {
    while (!signal.aborted) {
      const stream = await fetch(`${url}/events`, { signal, headers }).catch(() => null);
      if (stream?.status === 200) streams++;
      else if (!signal.aborted) throw new Error(`/events answered ${stream?.status ?? 'nothing'}`);
      await stream?.body?.pipeTo(new WritableStream()).catch(() => {});
      await pause(PAGE_COMES_BACK_MS);
    }
  };
  const scrape = async (): Promise<void> => {
    while (!signal.aborted) {
      const answer = await fetch(`${url}/metrics`, { signal, headers }).catch(() => null);
      if (answer?.status === 200) scrapes++;
      else if (!signal.aborted) throw new Error(`/metrics answered ${answer?.status ?? 'nothing'}`);
      await answer?.text().catch(() => '');
      await pause(SCRAPE_MS);
    }
  };
  await Promise.all([page(), scrape()]);
  return { scrapes, streams };
}

const SCRAPE_MS = 1000;
/** A browser lets a second or more pass before it opens an event stream again. */
const PAGE_COMES_BACK_MS = 1000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
