import type { Queryable } from '../db/pool.ts';

/** A server that knows of no encoding takes whatever bytes it is given, and counts them for characters. */
export const knowsNoEncoding = async (db: Queryable): Promise<boolean> =>
  (await db.query<{ encoding: string }>('SELECT getdatabaseencoding() AS encoding')).rows[0]?.encoding ===
  'SQL_ASCII';
