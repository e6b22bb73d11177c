/**
 * What a pool of our own knows of itself: whether rows can be hidden from it, and which of its connections have their settings
 * for good. Apart from the pool, as the face of a search opens none.
 */

import type pg from 'pg';
import { parseQualified, quoteLiteral, quoteQualified } from './identifiers.ts';
import { rowSecurityFor, type RowSecurity } from './row-security.ts';
import { usableRegclassSql } from './search-path.ts';
import { isUnreachable } from './sqlstates.ts';

/** Of pools of our own that know their table. */
export const rowSecurity = new WeakMap<pg.Pool, RowSecurity>();

/** Null where only the server's own refusal will do. */
export const rowSecurityOf = (pool: pg.Pool): RowSecurity | null => rowSecurity.get(pool) ?? null;

/** Name of the legacy table, where the pool knows it. */
export const tableOf = (db: object): string | null => rowSecurity.get(db as pg.Pool)?.table ?? null;

/**
 * A statement without end is only of use to somebody who waits for it: the server looks whether its client is still there.
 * Not known to servers before 14, and not on every platform: tried once.
 */
const lookSql = (isLocal: boolean): string =>
  `SELECT pg_catalog.set_config('client_connection_check_interval', '2s', ${isLocal})`;

/** Of pools of our own. */
export const sessions = new WeakMap<pg.Pool, Sessions>();

export const isOwnPool = (pool: pg.Pool): boolean => sessions.has(pool);

export const isPinned = (pool: pg.Pool): boolean => sessions.get(pool)?.pinned === true;

/** Whether the connection has its settings for good, so that a transaction says its limits alone. */
export const hasSession = async (pool: pg.Pool, client: pg.PoolClient): Promise<boolean> =>
  (await sessions.get(pool)?.isSettled(client)) ?? false;

/** Settings for good, on connections that are of one server process alone; each is looked at once. */
export class Sessions {
  readonly #sql: string;
  readonly #opening: string;
  readonly #known = new WeakMap<pg.PoolClient, Promise<boolean>>();
  #looks: Promise<boolean> | null = null;
  /** Policies decide again for each statement whether rows are hidden: what is said for good cannot. */
  perStatement = false;

  readonly pinned: boolean;

  constructor(sql: string, opening: string, pinned: boolean) {
    this.#sql = sql;
    this.#opening = opening;
    this.pinned = pinned;
  }

  isSettled(client: pg.PoolClient): Promise<boolean> {
    const known = this.#known.get(client) ?? this.#settle(client).catch(() => false);
    this.#known.set(client, known);
    return known;
  }

  async #settle(client: pg.PoolClient): Promise<boolean> {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
    // The server tells its process as a session starts; a pooler answers by itself, and may hand on what is said on its session.
    if (rows[0]?.pid !== (client as unknown as { processID: number | null }).processID) return false;
    await client.query(this.#sql);
    await client.query(lookSql(false)).catch(() => {});
    return true;
  }

  /** What begins the transaction of one statement, where the session has not its settings for good or they will not do. */
  async opening(client: pg.PoolClient): Promise<string> {
    this.#looks ??= isKnown(client, lookSql(true));
    try {
      return (await this.#looks) ? `${this.#opening}; ${lookSql(true)}` : this.#opening;
    } catch (error) {
      this.#looks = null;
      throw error;
    }
  }
}

/** False where the server refuses it; a connection that fails will fail again, and say so. */
async function isKnown(client: pg.PoolClient, sql: string): Promise<boolean> {
  try {
    await client.query(sql);
    return true;
  } catch (error) {
    if (isUnreachable(error)) throw error;
    return false;
  }
}

/** A name that is none is told by whoever looks for the table. */
export function securityOf(table: string): RowSecurity | null {
  try {
    const name = quoteQualified(parseQualified(table, 'Option table'));
    return rowSecurityFor(name, usableRegclassSql(quoteLiteral(name)));
  } catch {
    return null;
  }
}
