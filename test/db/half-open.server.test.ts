/** A network that says nothing any more: neither side may wait for ever. Limits are short here, so that nobody has to. */

import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { waitForServer } from '../../src/db/wait-for-server.ts';
import { classify, isUnreachable } from '../../src/db/sqlstates.ts';
import { LEDGER_LIMITS, inTransaction } from '../../src/db/transaction.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { hasPostgres, realDatabase, type TestDatabase } from '../setup/databases.ts';
import { startProxy, type TestProxy } from '../setup/proxy.ts';

describe.runIf(hasPostgres())('a half-open connection to PostgreSQL', () => {
  let database: TestDatabase;
  let proxy: TestProxy;
  let through: Pool;
  let direct: Pool;
  beforeEach(async () => {
    database = await realDatabase();
    proxy = await startProxy(() => inject('postgresUrl') ?? '');
    const url = new URL(database.databaseUrl);
    const { hostname, port } = new URL(proxy.url);
    Object.assign(url, { hostname, port });
    const options = { name: 'half-open', max: 1, logger: silentLogger };
    through = createPool(url.href, { ...options, queryTimeoutMs: 300 });
    direct = createPool(database.databaseUrl, { ...options, name: 'direct' });
    await direct.query('CREATE TABLE t AS SELECT 1 AS id, 0 AS n');
  });
  afterEach(async () => {
    await proxy.close();
    await through.end();
    await direct.end();
    await database.drop();
  });

  it('is given up by the client: the server counts as away, not the statement as wrong', async () => {
    await through.query('SELECT 1');
    proxy.hold();
    const error: unknown = await through.query('SELECT 2').catch((thrown: unknown) => thrown);
    expect(isUnreachable(error)).toBe(true);
    expect(classify(error)).toBe('transient');
  });

  it('in the middle of a transaction: done again as a whole on another one, once', async () => {
    let calls = 0;
    await inTransaction(through, { ...LEDGER_LIMITS, tries: 5 }, async (client) => {
      calls++;
      await client.query('UPDATE t SET n = n + 1');
      if (calls > 1) return;
      proxy.hold();
      setImmediate(() => void client.query('SELECT 1').catch(() => proxy.resume()));
      await client.query('SELECT 2');
    });
    expect(calls).toBeGreaterThan(1);
    expect((await direct.query('SELECT n FROM t')).rows).toEqual([{ n: 1 }]);
  });

  it('is ended by the server: the rows that it held are free again', async () => {
    const limits = { lockTimeoutMs: 100, statementTimeoutMs: 200, tries: 1 };
    const frozen = inTransaction(through, limits, async (client) => {
      await client.query('UPDATE t SET n = 99');
      proxy.hold();
      // Answered by nobody; the server has heard nothing since the UPDATE.
      await client.query('SELECT 1');
    }).catch((thrown: unknown) => thrown);
    expect(isUnreachable(await frozen)).toBe(true);
    // Waits for the row until the server has ended the other session.
    await direct.query('UPDATE t SET n = n + 1');
    expect((await direct.query('SELECT n FROM t')).rows).toEqual([{ n: 1 }]);
  });

  it('a batch that waits for the server goes on once the network is back', async () => {
    await through.query('SELECT 1');
    proxy.cut();
    const waiting = waitForServer(through, new AbortController().signal);
    await expect(through.query('SELECT 1')).rejects.toSatisfy(isUnreachable);
    proxy.resume();
    await waiting;
  });
});
