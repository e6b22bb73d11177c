/** The start of a connection: encryption requests, the start-up message, and what a server says to it. */

import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { DATABASE } from './address.ts';
import { readRows } from './backend-output.ts';
import type { PgliteEngine } from './pglite.ts';
import { cstring, frame, int32, ProtocolError, query, readCString } from './frames.ts';
import type { StartupParameters } from './session-settings.ts';

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const PROTOCOL_MAJOR = 3;

/** What drivers are told at the start, by the names that PostgreSQL uses. */
const REPORTED = [
  'server_version',
  'server_encoding',
  'client_encoding',
  'application_name',
  'default_transaction_read_only',
  'in_hot_standby',
  'is_superuser',
  'session_authorization',
  'search_path',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
];

export type Opening =
  | { kind: 'refuse-encryption' }
  | { kind: 'cancel' }
  | { kind: 'start'; parameters: ReadonlyMap<string, string>; minor: number };

/** Reads the first packet of a connection. @throws ProtocolError */
export function readOpening(bytes: Buffer): Opening {
  if (bytes.length < 8) throw new ProtocolError('start-up packet without a version');
  const code = bytes.readInt32BE(4);
  if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: 'refuse-encryption' };
  if (code === CANCEL_REQUEST) return { kind: 'cancel' };
  if (code >> 16 !== PROTOCOL_MAJOR)
    throw new ProtocolError(`unsupported frontend protocol ${code >> 16}`, '0A000');
  const parameters = new Map<string, string>();
  let at = 8;
  while (at < bytes.length && bytes[at] !== 0) {
    const name = readCString(bytes, at);
    const value = readCString(bytes, name.end);
    parameters.set(name.text, value.text);
    at = value.end;
  }
  assertServed(parameters);
  return { kind: 'start', parameters, minor: code & 0xffff };
}

function assertServed(parameters: ReadonlyMap<string, string>): void {
  const database = parameters.get('database') ?? parameters.get('user');
  if (database !== DATABASE) {
    throw new ProtocolError(
      `database "${database}" does not exist: the embedded server has one, "${DATABASE}"`,
      '3D000',
    );
  }
  if (!/^(?:|false|off|no|0)$/i.test(parameters.get('replication') ?? '')) {
    throw new ProtocolError('the embedded server does no replication', '0A000');
  }
}

/** Read once: the values are the same for every client, but for what it sets itself. */
export async function readReported(engine: PgliteEngine): Promise<StartupParameters> {
  const columns = REPORTED.map((name) => `current_setting('${name}')`).join(', ');
  const [row = []] = readRows(await engine.call(query(`SELECT ${columns}`)));
  return new Map(REPORTED.map((name, index) => [name, row[index] ?? '']));
}

/** Of the one server process, as pg_backend_pid() says it to everybody. */
export async function readProcessId(engine: PgliteEngine): Promise<number> {
  const [[pid] = []] = readRows(await engine.call(query('SELECT pg_catalog.pg_backend_pid()')));
  return Number(pid);
}

/** AuthenticationCleartextPassword: it goes over the loopback address alone, where nobody listens who could not read memory. */
export const askForPassword = (): Buffer => frame('R', int32(3));

/** Of a PasswordMessage; in constant time, whatever was given. */
export function isPassword(message: Buffer, password: string): boolean {
  const given = readCString(message, 5).text;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(password));
}

/** What a client is told that is let in. */
export function startupReply(
  reported: StartupParameters,
  own: StartupParameters,
  processId: number,
  opening: { minor: number },
): Buffer {
  const statuses = [...reported].map(([name, value]) =>
    frame('S', cstring(name), cstring(own.get(name.toLowerCase()) ?? value)),
  );
  return Buffer.concat([
    // A newer minor version is answered with the one that is spoken here.
    ...(opening.minor === 0 ? [] : [frame('v', int32(PROTOCOL_MAJOR << 16), int32(0))]),
    frame('R', int32(0)),
    ...statuses,
    // The key would serve to cancel, which does nothing here.
    frame('K', int32(processId), int32(randomInt(2 ** 31))),
    frame('Z', Buffer.from('I')),
  ]);
}
