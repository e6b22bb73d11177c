/** The road from one model to another, by the program's own verbs. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../../src/db/pool.ts';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import type { BenchDatabase } from '../database.ts';
import { machine } from '../ratio.ts';
import { differentVectors, mixedHits } from './checks.ts';
import { startClients, type Clients } from './clients.ts';
import { killVerb, mustRun, runVerb, startWorkerProgram, type Environment } from './programs.ts';
import { resultLines, timesOf, type NewModelOptions, type NewModelResult } from './result.ts';
import { startWriter, type Writer } from './rows.ts';
import { startedBuild, eventsOf, untilEvent, untilReady, untilReadyOrRefused, untilSynced } from './waits.ts';

const CLIENTS = 4;
/** Of a client between answer and question: without, searches would take the processor from all others. */
const PAUSE_MS = 40;
const QUERIES = 64;
/** Until `verify` is under way. */
const VERIFYING_MS = 1000;
/** Of the gate. */
const MAX_TRIES = 30;
export const DIMENSIONS: [number, number] = [128, 384];
const BACKFILL = 'docs';

export interface Models {
  before: Environment;
  after: Environment;
  models: ReadonlyMap<number, Embedder>;
}

export class Road {
  readonly #database: BenchDatabase;
  readonly #options: NewModelOptions;
  readonly #models: Models;
  readonly #say: (line: string) => void;
  #kills = 0;

  constructor(
    database: BenchDatabase,
    options: NewModelOptions,
    models: Models,
    say: (line: string) => void,
  ) {
    this.#database = database;
    this.#options = options;
    this.#models = models;
    this.#say = say;
  }

  async go(): Promise<NewModelResult> {
    const { before } = this.#models;
    const { texts, seconds, writesPerSecond } = this.#options;
    const { pool, url } = this.#database;
    this.#tell('the first generation is built');
    await mustRun(['enqueue'], before);
    let worker = this.#worker(before);
    let clients: Clients | null = null;
    let writer: Writer | null = null;
    try {
      await untilReady(pool, BACKFILL);
      await mustRun(['verify'], before);
      await mustRun(['cutover', '--to', 'vector', '--execute'], before);
      const queries = texts
        .filter((_, at) => at % Math.ceil(texts.length / QUERIES) === 0)
        .map((text) => text.split('\n', 1)[0] ?? '');
      clients = startClients({
        database: url,
        backfill: BACKFILL,
        queries,
        clients: CLIENTS,
        pauseMs: PAUSE_MS,
      });
      writer = startWriter(pool, texts, { perSecond: writesPerSecond, seed: 7 });
      await this.#phase(clients, 'warm-up', 5);
      await this.#phase(clients, 'before', seconds);
      worker = await this.#build(clients, worker);
      const { rollbackSeconds } = await this.#move(clients);
      const different = await this.#bothInLine(writer, queries);
      writer = startWriter(pool, texts, { perSecond: writesPerSecond, seed: 8 });
      const bytes = await this.#complete(clients);
      const writes = writer.writes() + different.writes;
      const changes = writer.changes() + different.changes;
      await writer.stop();
      await untilSynced(pool, `${BACKFILL}@2`);
      const { after, models } = this.#models;
      const last = models.get(2);
      const report = await clients.stop();
      const mixed = await mixedHits(pool, report, queries, models);
      const end = last === undefined ? Number.NaN : await differentVectors(pool, 'embedding_2', last);
      await mustRun(['status', '--generation', '2'], after);
      const result: NewModelResult = {
        machine: machine(),
        rows: texts.length,
        writes,
        changes,
        writesPerSecond,
        dimensions: DIMENSIONS,
        searches: report.answers,
        byGeneration: report.byGeneration,
        failed: report.failed,
        mixed: mixed + report.nameless,
        inconsistent: report.inconsistent,
        checkedHits: report.hits.length,
        different: { ...different.rows, 'generation 2 at the end': end },
        buildSeconds: this.#buildSeconds,
        kills: this.#kills,
        reads: report.phases.filter(({ ms }) => ms.length > 0).map(timesOf),
        rollbackSeconds,
        bytes,
      };
      for (const failure of report.failures) this.#say(`failed search: ${failure}`);
      for (const line of resultLines(result)) this.#say(line);
      return result;
    } finally {
      clients?.kill();
      await writer?.stop();
      await worker.stop();
    }
  }

  #buildSeconds = Number.NaN;

  /** The second generation, under the writes, with workers that are killed at its batches, at its index and at sync. */
  async #build(
    clients: Clients,
    first: ReturnType<typeof startWorkerProgram>,
  ): Promise<ReturnType<typeof startWorkerProgram>> {
    const { after } = this.#models;
    const { pool } = this.#database;
    const second = `${BACKFILL}@2`;
    this.#tell('the second generation is built');
    clients.phase('build');
    const started = performance.now();
    await this.#kill(['enqueue'], () => untilEvent(pool, second, 'run.created'));
    const { generation } = await mustRun(['enqueue'], after);
    if (generation !== 2) throw new Error('enqueue planned no generation beside the live one');
    await startedBuild(pool, second, 'batches');
    await first.kill();
    this.#kills++;
    let worker = this.#worker(after);
    await startedBuild(pool, second, 'index');
    await worker.kill();
    this.#kills++;
    worker = this.#worker(after);
    await this.#untilProved(second);
    this.#buildSeconds = (performance.now() - started) / 1000;
    await worker.kill();
    this.#kills++;
    worker = this.#worker(after);
    return worker;
  }

  /** Rows that were written a moment ago wait for sync: as an operator does, it is asked again until they are few. */
  async #verified(): Promise<void> {
    const args = ['verify', '--generation', '2'];
    for (let tries = 1; tries < MAX_TRIES; tries++)
      if ((await runVerb(args, this.#models.after)).code === 0) return;
    await mustRun(args, this.#models.after);
  }

  /** Where the gate of the worker has met rows that were written a moment ago, it is asked again, as an operator does. */
  async #untilProved(name: string): Promise<void> {
    while ((await untilReadyOrRefused(this.#database.pool, name)) === 'refused')
      await runVerb(['verify', '--generation', '2'], this.#models.after);
  }

  async #move(clients: Clients): Promise<{ rollbackSeconds: number }> {
    const { after } = this.#models;
    const { seconds } = this.#options;
    const { pool } = this.#database;
    const move = (mode: string): string[] => ['cutover', '--to', mode, '--generation', '2', '--execute'];
    const to = (mode: string): Promise<unknown> => mustRun(move(mode), after);
    await this.#phase(clients, 'built', seconds);
    await this.#kill(['verify', '--generation', '2'], () => delay(VERIFYING_MS));
    await this.#verified();
    await to('shadow');
    await this.#phase(clients, 'shadow', seconds);
    await to('canary:50');
    await this.#phase(clients, 'canary', seconds);
    const changes = await eventsOf(pool, BACKFILL, 'reads.changed');
    await this.#kill(move('vector'), () => untilEvent(pool, BACKFILL, 'reads.changed', changes + 1));
    await to('vector');
    await this.#phase(clients, 'moved', seconds);
    await mustRun(['rollback', '--execute'], after);
    const changed = await pool.query<{ ms: number }>(
      'SELECT extract(epoch FROM changed_at)::float8 * 1000 AS ms FROM pgvector_backfill.read_mode WHERE backfill = $1',
      [BACKFILL],
    );
    await this.#phase(clients, 'rolled back', seconds);
    const { lastBegun } = await clients.report();
    const rollbackSeconds = Math.max(0, (lastBegun['2'] ?? 0) - (changed.rows[0]?.ms ?? Number.NaN)) / 1000;
    this.#say(
      `rollback: last answer by generation 2 was begun ${rollbackSeconds.toFixed(2)} s behind the change`,
    );
    await to('vector');
    await this.#phase(clients, 'moved again', seconds);
    return { rollbackSeconds };
  }

  /** Writes rest for a moment: then each generation must be what embedding the texts gives. */
  async #bothInLine(
    writer: Writer,
    queries: readonly string[],
  ): Promise<{ rows: Record<string, number>; writes: number; changes: number }> {
    const { pool } = this.#database;
    await writer.stop();
    await untilSynced(pool, BACKFILL);
    await untilSynced(pool, `${BACKFILL}@2`);
    const rows: Record<string, number> = {};
    for (const [generation, embedder] of this.#models.models)
      rows[`generation ${generation}`] = await differentVectors(
        pool,
        generation === 1 ? 'embedding' : 'embedding_2',
        embedder,
      );
    this.#tell(`both generations held against their models (${queries.length} queries)`);
    return { rows, writes: writer.writes(), changes: writer.changes() };
  }

  /** Killed once on the way; what comes back is told by the server. */
  async #complete(clients: Clients): Promise<NewModelResult['bytes']> {
    const { after } = this.#models;
    const { pool } = this.#database;
    const why = 'the benchmark has just moved reads off it';
    const args = ['complete', '--generation', '1', '--override', why];
    const { bytes } = await mustRun(args, after);
    const before = await databaseBytes(pool);
    const ending = untilEvent(pool, BACKFILL, 'generation.ending');
    await this.#kill([...args, '--execute'], () => ending);
    await mustRun([...args, '--execute'], after);
    const freed = before - (await databaseBytes(pool));
    await this.#phase(clients, 'old one dropped', this.#options.seconds);
    return { forecast: bytes, freed };
  }

  /** The verb is run again behind it. */
  async #kill(args: string[], begun: () => Promise<unknown>): Promise<void> {
    if (await killVerb(args, this.#models.after, begun)) this.#kills++;
  }

  #worker(env: Environment): ReturnType<typeof startWorkerProgram> {
    return startWorkerProgram(env, (line) => {
      if (process.env['BENCH_WORKER_LOG'] !== undefined) process.stderr.write(line);
    });
  }

  async #phase(clients: Clients, name: string, seconds: number): Promise<void> {
    this.#tell(name);
    clients.phase(name);
    await delay(seconds * 1000);
  }

  #tell(what: string): void {
    this.#options.onProgress?.({ what, done: 0, total: null });
  }
}

async function databaseBytes(pool: Pool): Promise<number> {
  const found = await pool.query<{ bytes: number }>(
    'SELECT pg_database_size(current_database())::float8 AS bytes',
  );
  return found.rows[0]?.bytes ?? Number.NaN;
}
