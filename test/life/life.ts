/** What happens in a long life: workers come and go, servers restart, fail over and fill up, the index is built again. */

import { latestRun } from '../../src/ledger/run/run.ts';
import { syncState } from '../../src/ledger/changes/drain-lease.ts';
import type { TestBackfill } from '../setup/backfill.ts';
import { runCommand, startCommand, type RunningCommand } from '../setup/command.ts';
import { onServer } from '../setup/databases.ts';
import { until } from '../setup/until.ts';
import type { WorkerTimes } from '../../src/worker/times.ts';
import type { WatchedLog } from './log.ts';
import type { LifeServers } from './servers.ts';

/** Besides the one that stays. */
const MAX_GUESTS = 2;
/** Longer than a busy machine forgets to renew a lock, shorter than a test waits for a job of a worker that was killed. */
const TIMES: WorkerTimes = { lockMs: 10_000, stalledIntervalMs: 2000, reconcileMs: 5000, scheduleMs: 5000 };
/** How long a fault lasts, ms. */
const FAULT_MS = 4000;
/** Changes that are on their way at any moment, with hundreds of edits a second. */
const IN_LINE = 3000;
/** Within which the service is in line again behind any fault. */
const RECOVERY_MS = 120_000;

export interface LifeInput {
  backfill: TestBackfill;
  servers: LifeServers;
  env: Record<string, string>;
  log: WatchedLog;
  random: () => number;
  tell: (line: string) => void;
}

export class Life {
  readonly faults: string[] = [];
  /** Seconds from the end of each fault until all was in line again, by its name. */
  readonly recovered: Record<string, number[]> = {};
  readonly #input: LifeInput;
  readonly #guests: RunningCommand[] = [];
  #resident: Record<'worker' | 'dashboard', RunningCommand> | null = null;

  constructor(input: LifeInput) {
    this.#input = input;
  }

  get residents(): Record<'worker' | 'dashboard', RunningCommand> {
    if (this.#resident === null) throw new Error('begin() comes first');
    return this.#resident;
  }

  async begin(): Promise<{ dashboardUrl: string }> {
    this.#resident = { worker: await this.#start('worker'), dashboard: await this.#start('dashboard') };
    const line = await this.#resident.dashboard.waitFor(/http:/);
    return { dashboardUrl: /http:\/\/[\d.:]+/.exec(line)?.[0] ?? '' };
  }

  async #start(verb: 'worker' | 'dashboard'): Promise<RunningCommand> {
    const { env, log } = this.#input;
    const command = startCommand(verb, [], env, { times: TIMES });
    log.follow(command.child, `${verb} ${command.child.pid}`);
    await command.waitFor(verb === 'worker' ? /worker started/ : /http:/);
    return command;
  }

  readonly #happens: Record<string, () => Promise<void>> = {
    'a worker comes': async () => {
      if (this.#guests.length < MAX_GUESTS) this.#guests.push(await this.#start('worker'));
    },
    'a worker is told to go': async () => {
      const worker = this.#guests.shift() ?? (await this.#start('worker'));
      worker.child.kill('SIGTERM');
      const { code } = await worker.ended;
      if (code !== 0) throw new Error(`a worker that was told to go ended with ${code}`);
    },
    'a worker is killed': async () => {
      const worker = this.#guests.shift() ?? (await this.#start('worker'));
      worker.child.kill('SIGKILL');
      await worker.ended;
    },
    'Redis restarts': async () => {
      await this.#input.servers.primary.restart();
      await this.#input.servers.followPrimary();
    },
    'Redis fails over': () => this.#input.servers.failOver(),
    'Redis is full': async () => {
      const { servers } = this.#input;
      await servers.onRedis((redis) => redis.config('SET', 'maxmemory', '1'));
      await this.#lasts();
      await servers.onRedis((redis) => redis.config('SET', 'maxmemory', '0'));
    },
    'PostgreSQL restarts': () => this.#input.servers.postgres.restart(),
    'sessions of PostgreSQL end': () =>
      onServer(
        this.#input.servers.postgres.url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgvector-backfill%'`,
      ),
    'the network is silent': async () => {
      const { postgresProxy, redisProxy } = this.#input.servers;
      postgresProxy.hold();
      redisProxy.hold();
      await this.#lasts();
      postgresProxy.resume();
      redisProxy.resume();
    },
    'the index is built again': async () => {
      const { pool } = this.#input.backfill;
      await pool.query('DROP INDEX IF EXISTS docs_embedding_hnsw_idx');
      const { code, stderr } = await runCommand('finalize', [], this.#input.env);
      if (code !== 0) throw new Error(`finalize ended with ${code}: ${stderr}`);
    },
  };

  get kinds(): string[] {
    return Object.keys(this.#happens).filter((kind) => !WITHOUT.includes(kind));
  }

  #lasts(): Promise<boolean> {
    const end = performance.now() + FAULT_MS;
    return until('the fault has lasted its time', () => performance.now() > end);
  }

  /** `waits`: until the service is in line again. */
  async fault(kind: string, waits = true): Promise<void> {
    this.faults.push(kind);
    await this.#happens[kind]?.();
    if (waits) await this.inLine(kind);
    else this.#input.tell(kind);
  }

  /**
   * The run is ready, its index valid, what was changed up to the end of the fault has its vectors, and no change has waited
   * long: by itself, within a named time.
   */
  async inLine(behind: string): Promise<void> {
    const { backfill, tell, log } = this.#input;
    const began = performance.now();
    let last = '';
    let mark: string | null = null;
    await until(`all is in line again behind: ${behind}`, async () => {
      const { worker, dashboard } = this.residents;
      for (const { child } of [worker, dashboard])
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`a process has ended behind: ${behind}`);
      try {
        // In here, as the fault may be one of this very connection.
        mark ??= await newestChange(backfill);
        const run = await latestRun(backfill.pool, backfill.config.backfill);
        const { pending, oldestSeconds } = await syncState(backfill.pool, backfill.config.backfill);
        last = `${run?.state} ${run?.reason} ${run?.indexPhase}, ${pending} changes, ${oldestSeconds} s`;
        const { rowCount } = await backfill.pool.query(
          `SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('docs_embedding_hnsw_idx') AND indisvalid
              AND NOT EXISTS (SELECT 1 FROM pgvector_backfill.change WHERE id <= $1)`,
          [mark],
        );
        const isSearched = run?.state === 'ready' && rowCount === 1;
        if (isSearched && pending < IN_LINE && (oldestSeconds ?? 0) < OLD_SECONDS) return true;
      } catch (error) {
        last = String(error);
      }
      if (performance.now() - began > RECOVERY_MS + INDEX_MS)
        throw new Error(`not in line behind: ${behind}: ${last}\n${log.unexplained.join('\n')}`);
      return false;
    });
    const seconds = (performance.now() - began) / 1000;
    (this.recovered[behind] ??= []).push(Number(seconds.toFixed(1)));
    tell(`${behind}: in line after ${seconds.toFixed(1)} s`);
  }

  /** No change is left; nobody may be writing. */
  async drained(): Promise<void> {
    const { pool, config } = this.#input.backfill;
    await until(
      'no captured change is left',
      async () => (await syncState(pool, config.backfill)).pending === 0,
    );
    await this.inLine('the writer rests');
  }

  async guestsGo(): Promise<void> {
    for (const { child } of this.#guests) child.kill('SIGTERM');
    await Promise.all(this.#guests.splice(0).map(({ ended }) => ended));
  }

  /** Of a test that has failed. */
  kill(): void {
    for (const { child } of [...this.#guests, ...Object.values(this.#resident ?? {})]) child.kill('SIGKILL');
  }

  /** @returns exit codes. */
  async end(): Promise<Record<string, number | null>> {
    await this.guestsGo();
    const codes: Record<string, number | null> = {};
    for (const [name, { child, ended }] of Object.entries(this.residents)) {
      child.kill('SIGTERM');
      codes[name] = (await ended).code;
    }
    return codes;
  }
}

async function newestChange({ pool }: TestBackfill): Promise<string> {
  const { rows } = await pool.query<{ mark: string }>(
    'SELECT coalesce(max(id), 0)::text AS mark FROM pgvector_backfill.change',
  );
  return rows[0]?.mark ?? '0';
}

/** Of a change that is taken up in its turn. */
const OLD_SECONDS = 30;
/** A large table's index takes minutes on two cores. */
const INDEX_MS = Number(process.env['LIFE_INDEX_SECONDS'] ?? 240) * 1000;
const WITHOUT = (process.env['LIFE_WITHOUT'] ?? '').split(',').map((name) => name.trim());
