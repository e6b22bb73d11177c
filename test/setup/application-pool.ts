/** A pool as an application has it. */

import pg from 'pg';

/** A pool that ends does not wait for its sessions, and each test's database is dropped under what is left of them: nobody has to hear of it. */
export function applicationPool(url: string, max?: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...(max === undefined ? {} : { max }) });
  return pool.on('error', () => {});
}
