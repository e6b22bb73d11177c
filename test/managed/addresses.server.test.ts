/** Addresses that are more than a host and a port: sockets, IPv6, several servers. */

import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectionFault } from '../../src/db/connection-fault.ts';
import { connectClient, createPool } from '../../src/db/pool.ts';
import { messageOf } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { hasPostgres, onServer, realDatabase } from '../setup/databases.ts';

interface Way {
  port: number;
  /** Connections that came by it. */
  readonly used: number;
  close(): Promise<void>;
}

describe.runIf(hasPostgres())('an address', () => {
  let server: URL;
  let folder: string;
  const ways: Way[] = [];
  beforeAll(async () => {
    server = new URL((await realDatabase()).databaseUrl);
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-socket-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all(ways.splice(0).map((way) => way.close()));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** To the server, by another address. */
  async function way(listen: ListenOptions): Promise<Way> {
    let used = 0;
    const open = new Set<{ destroy(): void }>();
    const listening: Server = createServer((socket) => {
      used++;
      const onward = connect(Number(server.port === '' ? 5432 : server.port), server.hostname);
      for (const each of [socket, onward]) {
        open.add(each);
        each.on('error', () => {});
      }
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve, reject) => listening.on('error', reject).listen(listen, resolve));
    const made = {
      port: listen.path === undefined ? (listening.address() as AddressInfo).port : 0,
      get used() {
        return used;
      },
      close: () =>
        new Promise<void>((resolve) => {
          listening.close(() => resolve());
          for (const each of open) each.destroy();
        }),
    };
    ways.push(made);
    return made;
  }
  const url = (hosts: string, parameters = ''): string =>
    `postgres://${server.username}:${server.password}@${hosts}${server.pathname}?${parameters}`;
  const answers = async (address: string): Promise<boolean> => {
    const client = await connectClient(address, 'test');
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
    await client.end();
    return `/${rows[0]?.name}` === server.pathname;
  };

  it('that is a socket, encrypted by nobody', async () => {
    const { used } = await way({ path: join(folder, '.s.PGSQL.5432') });
    expect(used).toBe(0);
    expect(await answers(url('', `host=${folder}`))).toBe(true);
    expect(await answers(url(encodeURIComponent(folder), 'sslmode=verify-full'))).toBe(true);
    vi.stubEnv('PGHOST', folder);
    expect(await answers(url(''))).toBe(true);
    expect(ways[0]?.used).toBe(3);
  });

  it('of IPv6, alone and among others', async () => {
    const six = await way({ port: 0, host: '::1' });
    expect(await answers(url(`[::1]:${six.port}`))).toBe(true);
    expect(await answers(url(`127.0.0.1:1,[::1]:${six.port}`))).toBe(true);
    const refused: unknown = await connectClient(url('[::1]:1'), 'test').catch((thrown: unknown) => thrown);
    expect(connectionFault(refused).why).toBe('nothing listens there');
  });

  it('of several servers leads to the first that is there, and to another one when that is gone', async () => {
    const [first, second] = [
      await way({ port: 0, host: '127.0.0.1' }),
      await way({ port: 0, host: '127.0.0.1' }),
    ];
    const address = url(`127.0.0.1:${first.port},127.0.0.1:${second.port}`);
    const pool = createPool(address, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('SELECT 1');
    expect([first.used, second.used]).toEqual([2, 0]);
    await first.close();
    // The connection that it had, and the server that it remembered.
    const lost = [await fails(pool.query('SELECT 1')), await fails(pool.query('SELECT 1'))];
    expect(lost).toContain(true);
    expect((await pool.query<{ n: number }>('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    expect(second.used).toBeGreaterThan(0);
    await pool.end();
    await second.close();
    // What it remembered is gone, and so all are asked again.
    expect(await fails(connectClient(address, 'test'))).toBe(true);
    const none: unknown = await connectClient(address, 'test').catch((thrown: unknown) => thrown);
    expect(messageOf(none)).toContain(`127.0.0.1:${first.port}`);
    expect(messageOf(none)).toContain(`127.0.0.1:${second.port}`);
    expect(connectionFault(none).why).toBe('nothing listens there');
  });
  const fails = (what: Promise<unknown>): Promise<boolean> =>
    what.then(
      () => false,
      () => true,
    );

  it('of several servers leads to one that takes writes, where that is asked for', async () => {
    const both = `${server.host},${server.host}`;
    expect(await answers(url(both, 'target_session_attrs=primary'))).toBe(true);
    expect(await answers(url(both, 'target_session_attrs=prefer-standby&load_balance_hosts=random'))).toBe(
      true,
    );
    await expect(connectClient(url(both, 'target_session_attrs=standby'), 'test')).rejects.toThrow(
      'None of the servers is what target_session_attrs=standby asks for.',
    );
    await expect(connectClient(url(both, 'target_session_attrs=writable'), 'test')).rejects.toThrow(
      'none of any,',
    );
    const own = server.pathname.slice(1);
    const elsewhere = new URL('/postgres', server).href;
    await onServer(elsewhere, `ALTER DATABASE ${own} SET default_transaction_read_only = on`);
    await expect(connectClient(url(both, 'target_session_attrs=read-write'), 'test')).rejects.toThrow(
      'read-write',
    );
    expect(await answers(url(both, 'target_session_attrs=read-only'))).toBe(true);
    await onServer(elsewhere, `ALTER DATABASE ${own} RESET default_transaction_read_only`);
    expect(await answers(url(both, 'target_session_attrs=read-write'))).toBe(true);
  });
});
