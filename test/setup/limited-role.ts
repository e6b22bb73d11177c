/** A role with the rights that a test gives it, and no other: in a database of its own in which PUBLIC has none. */

import { randomBytes } from 'node:crypto';
import { loadConfig, type Config } from '../../src/config/load.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { dropRole, onServer, realDatabase, type TestDatabase } from './databases.ts';

export interface LimitedRole {
  /** Of the role; an empty queue in the same database. */
  database: TestDatabase;
  role: string;
  /** Of the same database, as a superuser. */
  adminUrl: string;
  admin: (sql: string) => Promise<void>;
  /** Another one, such as the table's owner, that goes with it. */
  also: (name: string, attributes?: string) => Promise<string>;
  drop: () => Promise<void>;
}

export async function limitedRole({
  queueUrl,
  attributes = '',
}: { queueUrl?: string | undefined; attributes?: string } = {}): Promise<LimitedRole> {
  const { databaseUrl } = await realDatabase(undefined, { bare: true });
  const ending = randomBytes(4).toString('hex');
  const made: string[] = [];
  const url = new URL(databaseUrl);
  const admin = (sql: string): Promise<void> => onServer(databaseUrl, sql);
  const also = async (name: string, more = ''): Promise<string> => {
    const role = `${name}_${ending}`;
    await admin(`CREATE ROLE ${role} LOGIN PASSWORD '${role}' ${more}`);
    made.push(role);
    return role;
  };
  const role = await also('limited', attributes);
  await admin(
    `REVOKE ALL ON DATABASE "${url.pathname.slice(1)}" FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT CONNECT ON DATABASE "${url.pathname.slice(1)}" TO ${role}`,
  );
  url.username = url.password = role;
  const drop = async (): Promise<void> => {
    for (const each of made.toReversed()) await dropRole(databaseUrl, each);
  };
  return {
    database: { databaseUrl: url.href, queueUrl: queueUrl ?? url.href, drop: () => Promise.resolve() },
    role,
    adminUrl: databaseUrl,
    admin,
    also,
    drop,
  };
}

/** As a program of that role has them, for the table `shop.docs`. */
export async function openShop(
  { database: { databaseUrl, queueUrl } }: LimitedRole,
  flags: Record<string, string>,
): Promise<{ pool: Pool; config: Config }> {
  const table = 'shop.docs';
  const pool = createPool(databaseUrl, { name: 'test', max: 4, logger: silentLogger, table, pinned: true });
  const config = await loadConfig({
    flags: { table, 'batch-rows': '5', ...flags },
    env: { DATABASE_URL: databaseUrl, QUEUE_URL: queueUrl },
    cwd: '/',
  });
  return { pool, config };
}
