/** One embedded server for a test file, and the clients that the tests take from it. */

import { Client, Pool, type ClientConfig, type Notification, type QueryResult } from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { WireClient } from './wire.ts';
import { lentServer, type LentServer } from '../setup/embedded.ts';

export interface Harness {
  readonly url: string;
  /** Connected; ended after the test. */
  client(config?: ClientConfig): Promise<Client>;
  pool(max: number): Pool;
  /** Speaks the protocol by hand. */
  wire(): Promise<WireClient>;
  unopenedWire(): Promise<WireClient>;
}

export function useEmbeddedServer(): Harness {
  let server: LentServer;
  const open: { end(): Promise<void> }[] = [];
  beforeAll(async () => {
    server = await lentServer();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.end()));
  });
  afterAll(() => server.giveBack());
  const kept = <T extends { end(): Promise<void> }>(client: T): T => {
    open.push(client);
    return client;
  };
  return {
    get url() {
      return server.url;
    },
    client: async (config = {}) => {
      const client = new Client({ connectionString: server.url, ...config });
      client.on('error', () => {});
      await client.connect();
      return kept(client);
    },
    pool: (max) => kept(new Pool({ connectionString: server.url, max })),
    wire: async () => kept(await WireClient.start(server.url)),
    unopenedWire: async () => kept(await WireClient.open(server.url)),
  };
}

/** The one row of a query. */
export async function rowOf(
  db: { query(sql: string, values?: unknown[]): Promise<QueryResult> },
  sql: string,
  values: unknown[] = [],
): Promise<unknown> {
  return (await db.query(sql, values)).rows[0];
}

/** The next event of a client, as a promise. */
export function nextNotification(client: Client): Promise<Notification> {
  return new Promise((resolve) => client.once('notification', resolve));
}
