/** The proxy's own promises, against an echo server: a fault test is worth what its fault is worth. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startProxy, type TestProxy } from './proxy.ts';

let echo: Server;
let echoSockets: Set<Socket>;
/** What reached the echo server, in its order. */
let received: string[];
let proxy: TestProxy;

const addressOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeEach(async () => {
  received = [];
  echoSockets = new Set();
  echo = createServer((socket) => {
    echoSockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received.push(data.toString());
      socket.write(data);
    });
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startProxy(() => `redis://user:secret@127.0.0.1:${addressOf(echo)}/7`);
});
afterEach(async () => {
  await proxy.close();
  for (const socket of echoSockets) socket.destroy();
  echo.close();
});

async function dial(port = Number(new URL(proxy.url).port)): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The code of the error that ended a connection; `once` of node:events would throw it. */
function ending(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    socket.on('close', () => resolve(code));
  });
}

async function ask(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data') as Promise<[Buffer]>;
  socket.write(text);
  return (await answer)[0].toString();
}

it('keeps everything of the URL but the address, and passes bytes both ways', async () => {
  expect(proxy.url).toMatch(/^redis:\/\/user:secret@127\.0\.0\.1:\d+\/7$/);
  expect(new URL(proxy.url).port).not.toBe(String(addressOf(echo)));
  const socket = await dial();
  expect(await ask(socket, 'hello')).toBe('hello');
  socket.end();
  await once(socket, 'close');
});

it('cut: resets what is open and what is opened, until it resumes', async () => {
  const socket = await dial();
  await ask(socket, 'hello');
  const reset = ending(socket);
  proxy.cut();
  expect(await reset).toBe('ECONNRESET');
  expect(await ending(connect(Number(new URL(proxy.url).port), '127.0.0.1'))).toBe('ECONNRESET');
  expect(echoSockets.size).toBe(1);
  proxy.resume();
  expect(await ask(await dial(), 'again')).toBe('again');
});

it('hold: what is sent waits, on open and on new connections, and arrives when it resumes', async () => {
  const open = await dial();
  await ask(open, 'first');
  proxy.hold();
  const fresh = await dial();
  const late = [ask(open, 'open'), ask(fresh, 'fresh')];
  // A way round the proxy: sent later, there earlier.
  await ask(await dial(addressOf(echo)), 'direct');
  expect(received).toEqual(['first', 'direct']);
  proxy.resume();
  expect(await Promise.all(late)).toEqual(['open', 'fresh']);
});

it('hold: nobody hears that the other side has gone', async () => {
  const socket = await dial();
  await ask(socket, 'hello');
  proxy.hold();
  const [server] = echoSockets;
  server?.resetAndDestroy();
  await ask(await dial(addressOf(echo)), 'direct');
  expect(socket.closed).toBe(false);
  const reset = ending(socket);
  proxy.resume();
  expect(await reset).toBe('ECONNRESET');
});

it('asks for the target at each connection, for a server that comes back elsewhere', async () => {
  await ask(await dial(), 'before');
  for (const socket of echoSockets) socket.destroy();
  echo.close();
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  expect(await ask(await dial(), 'after')).toBe('after');
});
