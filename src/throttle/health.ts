/** Reads the signals, each time in two short read-only transactions: PostgreSQL's own, and the operator's check. */

import type { Settings } from '../config/settings.ts';
import { parseQualified, quoteQualified } from '../db/identifiers.ts';
import { operatorPathSql, operatorRegclassSql } from '../db/search-path.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import { SQLSTATE, hasSqlState, isUnreachable } from '../db/sqlstates.ts';
import { inReadOnly } from '../db/transaction.ts';
import { ConfigError } from '../errors.ts';
import { assertTrustedCode } from '../table/trusted-code.ts';
import { diskUsed } from './disk-usage.ts';
import { RIGHTS_SQL, healthSql, type HealthRow, type Rights } from './health-sql.ts';
import { SIGNALS, type Reading, type Readings } from './signals.ts';

/** A server that does not answer within this time is asked again at the next look. */
const READ_LIMITS = { lockTimeoutMs: 500, statementTimeoutMs: 2000, tries: 1 };
/** A role that is granted more is noticed without a restart. */
const RIGHTS_MS = 60_000;
/** Over a shorter time the rate says little. */
const MIN_RATE_SECONDS = 0.05;

const NO_STATS = 'needs the role pg_monitor (or pg_read_all_stats)';

export class Health {
  readonly #pool: Pool;
  readonly #sql: string | undefined;
  readonly #table: string;
  #rights: Rights | null = null;
  #rightsAt = -Infinity;
  #before: { wal: number; at: number } | null = null;
  /** The operator's check has been looked at: once is enough, and it is asked every other second. */
  #sqlIsOwn = false;

  constructor(
    pool: Pool,
    settings: Pick<Settings, 'table'> & { throttle: Pick<Settings['throttle'], 'sql'> },
  ) {
    this.#pool = pool;
    this.#sql = settings.throttle.sql;
    this.#table = quoteQualified(parseQualified(settings.table, 'Option table'));
  }

  /** Never fails for lack of rights or time: what cannot be read has a note. @throws what is of the connection */
  async read(): Promise<Readings> {
    const own = await this.#readOwn().catch((error: unknown): Readings => {
      if (isUnreachable(error)) throw error;
      // What PostgreSQL says of its own views holds no values of rows; its code is enough all the same.
      return allUnknown(`PostgreSQL did not answer the check: ${reasonOf(error)}`);
    });
    return { ...own, sqlValue: await this.#readSql() };
  }

  async #readOwn(): Promise<Readings> {
    const row = await inReadOnly(this.#pool, READ_LIMITS, async (client) => {
      const rights = await this.#currentRights(client);
      return (await client.query<HealthRow>(healthSql(rights), [this.#table])).rows[0] as HealthRow;
    });
    const before = this.#before;
    if (before === null || row.at - before.at >= MIN_RATE_SECONDS)
      this.#before = { wal: row.wal, at: row.at };
    return toReadings(row, before, await diskUsed(row));
  }

  async #currentRights(db: Queryable): Promise<Rights> {
    const now = performance.now();
    if (this.#rights === null || now - this.#rightsAt > RIGHTS_MS) {
      this.#rights = (await db.query<Rights & Record<string, boolean>>(RIGHTS_SQL)).rows[0] ?? null;
      this.#rightsAt = now;
    }
    return this.#rights ?? { stats: false, archiveFiles: false, settings: false };
  }

  async #readSql(): Promise<Reading> {
    const sql = this.#sql;
    if (sql === undefined) return { value: null, off: true };
    try {
      if (!this.#sqlIsOwn) await this.#assertOwnSql(sql);
      const rows = await inReadOnly(this.#pool, READ_LIMITS, async (client) => {
        // The operator's SQL, on the operator's path.
        await client.query(operatorPathSql(true));
        const answer = (await client.query<unknown[]>({ text: sql, rowMode: 'array' })) as unknown;
        return (answer as { rows?: unknown[][] }).rows ?? [];
      });
      const value = numberOf(rows[0]?.[0]);
      return value === null ? { value, note: 'throttle.sql gave no number', holds: true } : { value };
    } catch (error) {
      // A check that writes is refused here; that the server itself takes no writes, others find out.
      if (isUnreachable(error) && !hasSqlState(error, SQLSTATE.readOnly)) throw error;
      if (error instanceof ConfigError) return { value: null, note: error.message, holds: true };
      return { value: null, note: `throttle.sql failed: ${reasonOf(error)}`, holds: true };
    }
  }

  /** @throws ConfigError where it would call code of another role's */
  async #assertOwnSql(sql: string): Promise<void> {
    const found = await this.#pool.query<{ oid: string | null }>(
      `SELECT ${operatorRegclassSql('$1')}::text AS oid`,
      [this.#table],
    );
    const oid = found.rows[0]?.oid ?? null;
    if (oid === null) return;
    await assertTrustedCode(this.#pool, { oid }, 'throttle.sql', sql);
    this.#sqlIsOwn = true;
  }
}

/** A message may hold a value of the operator's tables; the code does not. */
function reasonOf(error: unknown): string {
  if (hasSqlState(error, SQLSTATE.queryCanceled))
    return `no answer within ${READ_LIMITS.statementTimeoutMs / 1000} s`;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code === '' ? 'unexpected answer' : `SQLSTATE ${code}`;
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

const allUnknown = (note: string): Readings =>
  Object.fromEntries(SIGNALS.map(({ name }) => [name, { value: null, note }])) as unknown as Readings;

/** A row of `healthSql` → readings; rates from the row before. */
export function toReadings(
  row: HealthRow,
  before: { wal: number; at: number } | null,
  disk: Reading,
): Readings {
  const seen = (value: number | null, note: string): Reading =>
    value === null ? { value, note } : { value };
  const lag = (value: number | null): Reading =>
    row.hiddenReplicas > 0 ? { value: null, note: NO_STATS } : seen(value, NO_STATS);
  const seconds = before === null ? 0 : row.at - before.at;
  return {
    replicaLag: lag(row.replicaLag),
    replicaLagBytes: lag(row.replicaLagBytes),
    slotBacklog: seen(row.slotBacklog, NO_STATS),
    archiveBacklog: seen(
      row.archiveBacklog,
      'nothing was archived yet, and files are not shown to this role',
    ),
    walRate: {
      value:
        before === null || seconds < MIN_RATE_SECONDS ? null : Math.max(row.wal - before.wal, 0) / seconds,
    },
    autovacuum: seen(row.autovacuum, NO_STATS),
    lockWaiters: { value: row.lockWaiters },
    activeSessions: seen(row.activeSessions, NO_STATS),
    diskUsed: disk,
    sqlValue: { value: null },
  };
}
