/** pgvector in this database: where it lives, how old it is, and what its age means. */

import { quoteName } from '../db/identifiers.ts';
import type { Queryable } from '../db/pool.ts';

/** Below: no HNSW at all. */
export const HNSW_VERSION = '0.5.0';
/** The version required for full function; parallel HNSW builds before it can leak or crash (CVE-2026-3172). */
export const FULL_VERSION = '0.8.2';
/** Vacuum of an HNSW index could damage it before (pgvector changelog 0.8.3, 0.8.4). */
export const SOUND_VACUUM_VERSION = '0.8.4';

export interface VectorExtension {
  /** Null where it is not installed in this database. */
  version: string | null;
  /** Quoted prefix with a dot for types and operator classes; empty where it is not installed. */
  prefix: string;
}

export async function findVectorExtension(db: Queryable): Promise<VectorExtension> {
  const found = await db.query<{ version: string; schema: string }>(
    `SELECT e.extversion AS version, n.nspname AS schema
       FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'`,
  );
  const [row] = found.rows;
  return {
    version: row?.version ?? null,
    prefix: row === undefined ? '' : `${quoteName(row.schema)}.`,
  };
}

export interface AvailableExtension extends Pick<VectorExtension, 'version'> {
  /** Which version CREATE EXTENSION would install; null where the server has no files of it. */
  available: string | null;
}

/** Also what is not installed yet. Takes some ms: the server reads the files of all extensions for it. */
export async function findAvailableExtension(db: Queryable): Promise<AvailableExtension> {
  const found = await db.query<AvailableExtension>(
    `SELECT a.default_version AS available, e.extversion AS version
       FROM (SELECT 'vector'::name AS name) w
       LEFT JOIN pg_available_extensions a ON a.name = w.name
       LEFT JOIN pg_extension e ON e.extname = w.name`,
  );
  const row = found.rows[0];
  return { version: row?.version ?? null, available: row?.available ?? row?.version ?? null };
}

/** Compares dotted versions number by number; a missing part is 0. */
export function isAtLeast(version: string, min: string): boolean {
  const [a, b] = [version, min].map((each) => each.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let part = 0; part < Math.max(a?.length ?? 0, b?.length ?? 0); part++) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
