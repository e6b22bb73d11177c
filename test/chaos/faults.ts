/** What happens to a run: each fault by its name. Some are of the configuration, of triggers and of the server's settings. */

import pg from 'pg';
import { SQLSTATE, hasSqlState } from '../../src/db/sqlstates.ts';
import { TO_BE_KILLED, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, startCommand, type RunningCommand } from '../setup/command.ts';
import { loseQueue } from '../setup/lose-queue.ts';
import type { TestProxy } from '../setup/proxy.ts';
import { storedSql, wrongVectors } from './wrong-vectors.ts';

export const ROWS = 3000;
const MAX_WORKERS = 2;
/** A run of so many faults takes long enough to be watched. */
const TOLD = 50;
export const WORDS = [
  'bread',
  'dough',
  'yeast',
  'bicycle',
  'tyre',
  'kitten',
  'mortgage',
  'guitar',
  'garden',
  'winter',
  'rain',
];
/** Each changes what some SQL means, or ends it; they hold for sessions that begin behind them. */
const SETTINGS = [
  'standard_conforming_strings = off',
  "DateStyle = 'German, DMY'",
  'bytea_output = escape',
  'quote_all_identifiers = on',
  'extra_float_digits = 0',
  "TimeZone = 'Asia/Kolkata'",
  'default_transaction_isolation = serializable',
  "statement_timeout = '2s'",
  "lock_timeout = '200ms'",
  'enable_indexscan = off',
];

/** Triggers of the operator's, which a write of vectors into the table fires. */
const ON_UPDATE = ['refuse some rows', 'pass over some rows'];

export interface ChaosInput {
  /** The same table by two configurations: other texts. */
  backfills: readonly [TestBackfill, TestBackfill];
  database: TestProxy;
  redis: TestProxy;
  redisUrl: string;
  random: () => number;
}

export class Chaos {
  readonly log: string[] = [];
  /** What the gate let pass although it was wrong. */
  readonly passedWrongly: string[] = [];
  /** The configuration of now: of what is enqueued, and of workers that start. */
  current: TestBackfill;
  readonly #input: ChaosInput;
  #workers: RunningCommand[] = [];

  constructor(input: ChaosInput) {
    this.#input = input;
    [this.current] = input.backfills;
  }

  get #pool(): pg.Pool {
    return this.#input.backfills[0].pool;
  }

  /** Through the proxies, so that the network can fail. */
  #env(): Record<string, string> {
    const { env } = this.current;
    const through = new URL(env['DATABASE_URL'] ?? '');
    const { hostname, port } = new URL(this.#input.database.url);
    Object.assign(through, { hostname, port });
    return { ...env, DATABASE_URL: through.href, QUEUE_URL: this.#input.redis.url };
  }

  #int(below: number): number {
    return Math.floor(this.#input.random() * below);
  }
  #text(): string {
    // A text without a word that the model knows is quarantined, and rightly.
    return `bread ${Array.from({ length: this.#int(8) === 0 ? 40 : 2 + this.#int(6) }, () => WORDS[this.#int(WORDS.length)]).join(' ')}`;
  }

  /** Time for something to happen, measured in looks at the ledger. */
  async #looks(count: number): Promise<void> {
    for (let look = 0; look < count; look++) await this.current.snapshot().catch(() => {});
  }

  readonly #actions: Record<string, () => Promise<void>> = {
    start: async () => {
      this.#workers = this.#workers.filter(
        ({ child }) => child.exitCode === null && child.signalCode === null,
      );
      if (this.#workers.length >= MAX_WORKERS) return;
      const worker = startCommand('worker', [], this.#env(), { times: TO_BE_KILLED });
      this.#workers.push(worker);
      await worker.waitFor(/worker started|error/).catch(() => {});
    },
    kill: async () => {
      const worker = this.#workers.shift();
      worker?.child.kill('SIGKILL');
      await worker?.ended;
    },
    drain: async () => {
      const worker = this.#workers.shift();
      worker?.child.kill('SIGTERM');
      await worker?.ended;
    },
    'end database sessions': async () => {
      await this.#pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pgvector-backfill worker%'`,
      );
    },
    'cut the database': () => this.#faulty(this.#input.database, 'cut'),
    'silence the database': () => this.#faulty(this.#input.database, 'hold'),
    'cut the queue': () => this.#faulty(this.#input.redis, 'cut'),
    'silence the queue': () => this.#faulty(this.#input.redis, 'hold'),
    'lose the queue': async () => {
      await loseQueue(this.#pool, this.#input.redisUrl);
      await this.#verb('enqueue');
    },
    enqueue: () => this.#verb('enqueue'),
    retry: () => this.#verb('retry'),
    'lock rows': async () => {
      const client = new pg.Client({ connectionString: this.current.env['DATABASE_URL'] });
      await client.connect();
      const from = this.#int(ROWS);
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM docs WHERE id BETWEEN $1 AND $2 ORDER BY id FOR UPDATE', [
        from,
        from + 100,
      ]);
      await this.#looks(50 + this.#int(200));
      await client.query('ROLLBACK');
      await client.end();
    },
    'write rows': () => this.#write(),
    'change the configuration': async () => {
      const [one, other] = this.#input.backfills;
      this.current = this.current === one ? other : one;
      await this.#verb('enqueue');
    },
    'write behind disabled triggers': async () => {
      await this.#ddl('ALTER TABLE docs DISABLE TRIGGER USER');
      await this.#write();
      await this.#ddl('ALTER TABLE docs ENABLE TRIGGER USER');
    },
    'drop a trigger': async () => {
      await this.#ddl('DROP TRIGGER IF EXISTS pgvector_backfill_capture_row ON docs');
      await this.#write();
    },
    'refuse some rows': () => this.#withTrigger(`RAISE EXCEPTION 'not this one'`),
    'pass over some rows': () => this.#withTrigger('RETURN NULL'),
    'change a setting of the server': async () => {
      const setting = SETTINGS[this.#int(SETTINGS.length)] ?? '';
      this.log.push(setting);
      await this.#pool.query(`ALTER DATABASE ${this.#name} SET ${setting}`);
    },
    'move the extension': async () => {
      await this.#pool.query('CREATE SCHEMA IF NOT EXISTS elsewhere');
      const { rows } = await this.#pool.query<{ schema: string }>(
        `SELECT extnamespace::regnamespace::text AS schema FROM pg_extension WHERE extname = 'vector'`,
      );
      const to = rows[0]?.schema === 'elsewhere' ? 'public' : 'elsewhere';
      await this.#ddl(`ALTER EXTENSION vector SET SCHEMA ${to}`);
    },
    'look at the gate': async () => {
      const { passed } = await this.current.verify().catch(() => ({ passed: false }));
      if (!passed) return;
      // What is captured is on its way, and what is quarantined has no vector: the gate counts both. Workers go on meanwhile.
      const known = await this.#knownRows();
      const wrong = await wrongVectors(this.current);
      for (const key of await this.#knownRows()) known.add(key);
      this.passedWrongly.push(...wrong.filter((key) => !known.has(key)));
    },
  };

  get #name(): string {
    return new URL(this.current.env['DATABASE_URL'] ?? '').pathname.slice(1);
  }

  async #knownRows(): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ key: string }>(
      `SELECT key FROM pgvector_backfill.change
       UNION SELECT key FROM pgvector_backfill.quarantine JOIN docs ON id = key::bigint WHERE ${storedSql(await this.current.target())} IS NULL`,
    );
    return new Set(rows.map(({ key }) => key));
  }

  async #write(): Promise<void> {
    const pool = this.#pool;
    for (let count = 0; count < 30; count++)
      await pool.query('UPDATE docs SET body = $2 WHERE id = $1', [this.#int(ROWS), this.#text()]);
    await pool.query('DELETE FROM docs WHERE id = $1', [this.#int(ROWS)]);
    const insert = 'INSERT INTO docs (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING';
    await pool.query(insert, [-this.#int(1000), this.#text()]);
    await pool.query(insert, [ROWS + this.#int(1000), '']);
  }

  /**
   * DDL of the operator's. An index that is being built waits for transactions that began before, and DDL on its table
   * waits for the build: the server ends either of the two, and whoever it was tries again.
   */
  async #ddl(sql: string): Promise<void> {
    for (;;) {
      try {
        await this.#pool.query(sql);
        return;
      } catch (error) {
        if (!hasSqlState(error, SQLSTATE.deadlock)) throw error;
        this.log.push('deadlock');
      }
    }
  }

  /** A trigger of the operator's, for a while. */
  async #withTrigger(what: string): Promise<void> {
    await this.#pool.query(`CREATE OR REPLACE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS
      $f$ BEGIN IF NEW.id % 97 = 5 THEN ${what}; END IF; RETURN NEW; END $f$`);
    await this.#ddl(
      'CREATE OR REPLACE TRIGGER odd BEFORE UPDATE OF embedding ON docs FOR EACH ROW EXECUTE FUNCTION odd()',
    );
    await this.#looks(50 + this.#int(200));
    await this.#ddl('DROP TRIGGER odd ON docs');
  }

  async #faulty(proxy: TestProxy, how: 'cut' | 'hold'): Promise<void> {
    proxy[how]();
    await this.#looks(20 + this.#int(300));
    proxy.resume();
  }

  async #verb(verb: string, ...args: string[]): Promise<void> {
    const { code, stderr } = await runCommand(verb, args, this.current.env);
    if (code !== 0) this.log.push(`${verb} ended with ${code}: ${stderr.slice(-300)}`);
  }

  async run(actions: number): Promise<void> {
    const { store } = this.current.config.settings;
    // Nothing of the operator's stands in the way of a table that is ours.
    const names = Object.keys(this.#actions).filter(
      (name) => store === 'column' || !ON_UPDATE.includes(name),
    );
    for (let action = 0; action < actions; action++) {
      // Without a worker most faults hit nothing.
      const name = this.#workers.length === 0 ? 'start' : (names[this.#int(names.length)] ?? 'start');
      this.log.push(name);
      if (actions >= TOLD) process.stdout.write(`chaos: ${action + 1} of ${actions}: ${name}\n`);
      await this.#actions[name]?.();
      await this.#looks(this.#int(100));
    }
  }

  async calm(): Promise<void> {
    this.#input.database.resume();
    this.#input.redis.resume();
    for (const { child } of this.#workers) child.kill('SIGTERM');
    await Promise.all(this.#workers.map(({ ended }) => ended));
    await this.#pool.query(`ALTER DATABASE ${this.#name} RESET ALL`);
    await this.#verb('retry', '--quarantined');
  }
}
