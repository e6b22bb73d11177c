/** A PostgreSQL server that speaks TLS, made by SQL alone out of one that does not. */

import { lookup } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { makeCertificate } from './certificate.ts';
import { startPostgres } from './containers.ts';
import { until } from './until.ts';

export interface TlsServer {
  /** Its database `postgres`, not encrypted; for the one superuser. */
  plainUrl: string;
  address: string;
  port: number;
  /** server_version_num */
  version: number;
  password: string;
  folder: string;
  /** Of the authority that has signed its certificate, which is for localhost and 127.0.0.1. */
  authority: string;
  /** Of another one. */
  stranger: string;
  close(): Promise<void>;
}

/** @param hba lines of pg_hba.conf that go before those that let everybody in by scram-sha-256 */
export async function startTlsServer(hba: readonly string[]): Promise<TlsServer> {
  const server = await startPostgres({ direct: true });
  const { cert, key } = makeCertificate();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query<{ folder: string; hba: string; version: number }>(
    `SELECT current_setting('data_directory') AS folder, current_setting('hba_file') AS hba, current_setting('server_version_num')::int AS version`,
  );
  const { folder = '', hba: hbaFile = '', version = 0 } = rows[0] ?? {};
  const write = (path: string, text: string): Promise<unknown> =>
    client.query(
      `COPY (SELECT unnest(string_to_array(${client.escapeLiteral(text)}, chr(10)))) TO PROGRAM ${client.escapeLiteral(`umask 077; cat > '${path}'`)}`,
    );
  await write(`${folder}/tls.crt`, cert);
  await write(`${folder}/tls.key`, key);
  await write(hbaFile, [...hba, 'local all all trust', 'host all all all scram-sha-256', ''].join('\n'));
  for (const setting of [`ssl_cert_file = 'tls.crt'`, `ssl_key_file = 'tls.key'`, 'ssl = on'])
    await client.query(`ALTER SYSTEM SET ${setting}`);
  await client.query('SELECT pg_reload_conf()');
  await until(
    'the server speaks TLS',
    async () => (await client.query('SHOW ssl')).rows[0]?.['ssl'] === 'on',
  );
  await client.end();
  const own = await mkdtemp(join(tmpdir(), 'pgvector-backfill-tls-'));
  const [authority, stranger] = [join(own, 'ca.pem'), join(own, 'stranger.pem')];
  await writeFile(authority, cert);
  await writeFile(stranger, makeCertificate().cert);
  const { hostname, port, password } = new URL(server.url);
  return {
    plainUrl: server.url,
    address: (await lookup(hostname, 4)).address,
    port: port === '' ? 5432 : Number(port),
    version,
    password: decodeURIComponent(password),
    folder: own,
    authority,
    stranger,
    close: async () => {
      await server.stop();
      await rm(own, { recursive: true, force: true });
    },
  };
}
