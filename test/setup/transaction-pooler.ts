/** A pooler in transaction mode, as applications meet it: each transaction on whichever server connection is free. */

import { createServer, type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';

export interface TransactionPooler {
  /** The server's URL with the pooler's address in it. */
  url: string;
  /** What its server connections have been left with: session settings and advisory locks, for the next client to inherit. */
  left(): Promise<string[]>;
  close(): Promise<void>;
}

interface Backend {
  client: pg.Client;
  stream: Socket;
}

/** Settings that pg itself gives a connection are none that a client has left. */
const LEFT = `SELECT name || ' = ' || setting AS left FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction%'
  UNION ALL SELECT 'advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`;

const frame = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const GREETING = Buffer.concat([
  frame('R', Buffer.alloc(4)),
  frame('S', Buffer.from(['server_version', '16.0', ''].join('\0'))),
  // A key of its own making, not that of a server process.
  frame('K', Buffer.from([0x7f, 0, 0, 1, 0, 0, 0, 1])),
  frame('Z', Buffer.from('I')),
]);

/** Takes whole messages off the front of what has come in. */
function* messages(state: { rest: Buffer }, chunk: Buffer): Generator<Buffer> {
  state.rest = Buffer.concat([state.rest, chunk]);
  while (state.rest.length >= 5) {
    const end = 1 + state.rest.readInt32BE(1);
    if (state.rest.length < end) return;
    yield state.rest.subarray(0, end);
    state.rest = state.rest.subarray(end);
  }
}

export async function startTransactionPooler(serverUrl: string, size = 3): Promise<TransactionPooler> {
  const free: Backend[] = [];
  const waiting: (() => void)[] = [];
  const all: Backend[] = [];
  for (let made = 0; made < size; made++) {
    const client = new pg.Client({ connectionString: serverUrl });
    client.on('error', () => {});
    await client.connect();
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    all.push({ client, stream });
  }
  free.push(...all);

  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    let begun = false;
    let backend: Backend | null = null;
    let parsers: ((...args: never[]) => void)[] = [];
    let unanswered = 0;
    let queued: Buffer[] = [];
    const fromClient = { rest: Buffer.alloc(0) };
    let turn = Promise.resolve();

    const release = (): void => {
      if (backend === null) return;
      const { stream } = backend;
      stream.removeAllListeners('data');
      for (const parser of parsers) stream.on('data', parser as (chunk: Buffer) => void);
      free.push(backend);
      backend = null;
      waiting.shift()?.();
    };
    const acquire = async (): Promise<Backend> => {
      while (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      const taken = free.pop() as Backend;
      backend = taken;
      parsers = taken.stream.listeners('data') as typeof parsers;
      taken.stream.removeAllListeners('data');
      const fromServer = { rest: Buffer.alloc(0) };
      taken.stream.on('data', (chunk: Buffer) => {
        for (const message of messages(fromServer, chunk)) {
          if (!socket.destroyed) socket.write(message);
          if (message[0] !== 0x5a) continue;
          unanswered--;
          // Between transactions it is the next client's.
          if (unanswered === 0 && message[5] === 0x49) release();
        }
      });
      return taken;
    };
    const forward = async (): Promise<void> => {
      const sent = Buffer.concat(queued);
      queued = [];
      unanswered++;
      (backend ?? (await acquire())).stream.write(sent);
    };
    socket.on('data', (chunk: Buffer) => {
      if (!begun) {
        if (chunk.readInt32BE(4) === 80877103) {
          socket.write('N');
          return;
        }
        begun = true;
        socket.write(GREETING);
        return;
      }
      for (const message of messages(fromClient, chunk)) {
        const type = String.fromCharCode(message[0] ?? 0);
        if (type === 'X') return;
        queued.push(Buffer.from(message));
        if (type === 'Q' || type === 'S') turn = turn.then(forward);
        // COPY data goes where its statement went.
        else if ('dcf'.includes(type)) {
          const data = queued.pop() as Buffer;
          turn = turn.then(() => void backend?.stream.write(data));
        }
      }
    });
    socket.on('close', () => {
      // A client that is gone in the middle of a transaction takes its server connection along.
      if (backend !== null) backend.stream.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async left() {
      const found: string[] = [];
      for (const { client } of free)
        found.push(...(await client.query<{ left: string }>(LEFT)).rows.map((row) => row.left));
      return found;
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.unref();
        for (const { stream } of all) stream.destroy();
        resolve();
      });
    },
  };
}
