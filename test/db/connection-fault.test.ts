/** Servers that take no connection: each with its reason, in words that tell what to do. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { connectionFault } from '../../src/db/connection-fault.ts';
import { connectClient } from '../../src/db/pool.ts';
import { makeCertificate } from '../setup/certificate.ts';

const SSL_REQUEST = 80877103;

/** An error as the server reports it: severity, SQLSTATE, message. */
function refusal(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

let server: Server;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** Why a client cannot connect to a server that answers so. */
async function faultOf(answer: (socket: Socket, isSsl: boolean) => void, parameters = '') {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => answer(socket, data.readInt32BE(4) === SSL_REQUEST));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `postgres://user:hidden-word@127.0.0.1:${port}/db${parameters}`;
  const error: unknown = await connectClient(url, 'test').catch((thrown: unknown) => thrown);
  const fault = connectionFault(error);
  expect(JSON.stringify(fault)).not.toContain('hidden-word');
  return fault;
}

it.each([
  [
    '28000',
    'no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption',
    'without TLS',
    'sslmode=verify-full',
  ],
  [
    '28000',
    'no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL off',
    'without TLS',
    'sslmode=verify-full',
  ],
  ['28000', 'connection is insecure (try using `sslmode=require`)', 'without TLS', 'sslmode=verify-full'],
  ['28000', 'role "u" is not permitted to log in', 'may not log in', 'LOGIN'],
  ['53300', 'too many connections for role "u"', 'no further connection', 'CONNECTION LIMIT'],
  ['08P01', 'unsupported startup parameter: options', 'pooler refuses', 'ALTER ROLE'],
])('%s %s', async (code, message, why, remedy) => {
  const fault = await faultOf((socket) => socket.end(refusal(code, message)));
  expect(fault.why).toContain(why);
  expect(fault.remedy).toContain(remedy);
});

it('a server without TLS, where the URL asks for it', async () => {
  const fault = await faultOf((socket) => socket.write('N'), '?sslmode=require');
  expect(fault).toMatchObject({ why: expect.stringContaining('speaks no TLS') as string });
});

it('a certificate of an authority that nobody here knows', async () => {
  const context = createSecureContext(makeCertificate());
  const fault = await faultOf((socket, isSsl) => {
    if (!isSsl) return;
    socket.removeAllListeners('data');
    socket.write('S');
    new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => {});
  }, '?sslmode=verify-full');
  expect(fault).toMatchObject({
    why: expect.stringContaining('authority') as string,
    remedy: expect.stringContaining('sslrootcert') as string,
  });
});

it('a file of certificates, or a socket, that is not there', async () => {
  const fault = await faultOf(() => {}, '?sslmode=verify-full&sslrootcert=/nowhere/ca.pem');
  expect(fault.why).toContain('/nowhere/ca.pem');
  const error: unknown = await connectClient('postgres://u@/db?host=/nowhere', 'test').catch(
    (thrown: unknown) => thrown,
  );
  expect(connectionFault(error).why).toContain('no socket /nowhere/.s.PGSQL.5432');
});
