/** Encrypted connections to a server of its own, in all of libpq's modes: who gets in, and what those are told who do not. */

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDashboardApp } from '../../src/dashboard/server.ts';
import { installationId } from '../../src/ledger/backfill/installation.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { openQueues } from '../../src/queue/connection.ts';
import { connectionFault } from '../../src/db/connection-fault.ts';
import { connectClient } from '../../src/db/pool.ts';
import { hasContainers, onServer } from '../setup/databases.ts';
import { REPEATED_TEXTS, openBackfill } from '../setup/backfill.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { startTlsServer, type TlsServer } from '../setup/tls-server.ts';

const PASSWORD = 'p@s:s/w?o#r%d é';

describe.runIf(hasContainers())('a server that speaks TLS', () => {
  const model = sampleModel();
  let server: TlsServer;
  beforeAll(async () => {
    server = await startTlsServer([
      'hostnossl all tls_user all reject',
      'hostssl all plain_user all reject',
      'host all trusted all trust',
      'host all clear all password',
      'host all old all md5',
    ]);
    const login = `LOGIN PASSWORD '${PASSWORD}'`;
    await onServer(
      server.plainUrl,
      `CREATE ROLE tls_user ${login}; CREATE ROLE plain_user ${login}; CREATE ROLE trusted LOGIN; CREATE ROLE clear ${login};
       SET password_encryption = 'md5'; CREATE ROLE old ${login}`,
    );
  });
  afterAll(() => server.close());
  afterEach(() => vi.unstubAllEnvs());

  /** By the name that its certificate has, unless another one is given. */
  const url = (user: string, parameters: string, host = 'localhost'): string =>
    `postgres://${user}:${encodeURIComponent(PASSWORD)}@${host}:${server.port}/postgres?hostaddr=${server.address}&${parameters
      .replaceAll('AUTHORITY', server.authority)
      .replaceAll('STRANGER', server.stranger)}`;
  const connected = async (address: string): Promise<boolean> => {
    const client = await connectClient(address, 'test');
    try {
      const { rows } = await client.query<{ ssl: boolean }>(
        'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      );
      return rows[0]?.ssl ?? false;
    } finally {
      await client.end();
    }
  };
  const refusal = async (address: string): Promise<string> => {
    const error: unknown = await connected(address).then(
      () => 'it was let in',
      (thrown: unknown) => thrown,
    );
    const { why, remedy } = connectionFault(error);
    expect(`${why} ${remedy}`).not.toContain(PASSWORD);
    return `${why}. ${remedy}`;
  };

  it.each([
    ['verify-full', 'tls_user', 'sslmode=verify-full&sslrootcert=AUTHORITY', true],
    [
      'verify-ca, under another name',
      'tls_user',
      'sslmode=verify-ca&sslrootcert=AUTHORITY',
      true,
      'db.example',
    ],
    [
      'require with the authority, under another name',
      'tls_user',
      'sslmode=require&sslrootcert=AUTHORITY',
      true,
      'db.example',
    ],
    ['require without one: nothing is held to', 'tls_user', 'sslmode=require', true, 'db.example'],
    ['no-verify', 'tls_user', 'sslmode=no-verify&sslrootcert=STRANGER', true],
    ['prefer', 'tls_user', 'sslmode=prefer', true],
    ['prefer, where TLS is refused to the user', 'plain_user', 'sslmode=prefer', false],
    ['allow', 'plain_user', 'sslmode=allow', false],
    ['allow, where only TLS is let in', 'tls_user', 'sslmode=allow', true],
    ['disable', 'plain_user', 'sslmode=disable', false],
    [
      'channel binding',
      'tls_user',
      'sslmode=verify-full&sslrootcert=AUTHORITY&channel_binding=require',
      true,
    ],
    ['channel binding, preferred', 'old', 'sslmode=require&channel_binding=prefer', true],
    ['scram alone', 'tls_user', 'sslmode=require&require_auth=scram-sha-256', true],
    ['md5, where it is named', 'old', 'sslmode=require&require_auth=md5', true],
  ])('%s', async (_, user, parameters, ssl, host?: string) => {
    expect(await connected(url(user, parameters, host))).toBe(ssl);
  });

  it.each([
    [
      'the wrong host',
      'sslmode=verify-full&sslrootcert=AUTHORITY',
      'of another host name',
      'sslmode=verify-ca',
      'tls_user',
      'db.example',
    ],
    ['the wrong authority', 'sslmode=verify-full&sslrootcert=STRANGER', 'authority', 'sslrootcert'],
    [
      'the wrong authority for verify-ca',
      'sslmode=verify-ca&sslrootcert=STRANGER',
      'authority',
      'sslrootcert',
    ],
    ['the wrong authority for require', 'sslmode=require&sslrootcert=STRANGER', 'authority', 'sslrootcert'],
    ['none but the public ones', 'sslmode=verify-full', 'authority', 'sslrootcert'],
    [
      'a missing file',
      'sslmode=verify-full&sslrootcert=/nowhere/ca.pem',
      '/nowhere/ca.pem',
      'Correct sslrootcert',
    ],
    [
      'verify-ca without an authority',
      'sslmode=verify-ca',
      'needs the certificate of an authority',
      'verify-full',
    ],
    [
      "the system's authorities and no check",
      'sslmode=require&sslrootcert=system',
      'too weak',
      'verify-full',
    ],
    ['a mode that is none', 'sslmode=verify', 'none of disable', 'sslmode'],
    ['no TLS, where only TLS is let in', 'sslmode=disable', 'without TLS', 'sslmode=verify-full'],
    [
      'channel binding without TLS',
      'sslmode=disable&channel_binding=require',
      'not encrypted',
      'verify-full',
      'plain_user',
    ],
    [
      'channel binding by md5',
      'sslmode=require&channel_binding=require',
      'asks for md5 without it',
      'scram-sha-256',
      'old',
    ],
    [
      'channel binding by a clear password',
      'sslmode=require&channel_binding=require',
      'asks for password without it',
      'scram-sha-256',
      'clear',
    ],
    [
      'channel binding where nothing is asked',
      'sslmode=require&channel_binding=require',
      'asks for none without it',
      'scram-sha-256',
      'trusted',
    ],
    [
      'a clear password that was ruled out',
      'sslmode=require&require_auth=!password',
      'rules out password',
      'pg_hba.conf',
      'clear',
    ],
    ['gssencmode=require', 'gssencmode=require', 'cannot do', 'gssencmode'],
    ['the wrong password', 'sslmode=prefer&password=wrong', 'password is wrong', ''],
  ])(
    '%s is refused with the reason',
    async (_, parameters, why, remedy, user = 'tls_user', host?: string) => {
      const told = await refusal(url(user, parameters, host));
      expect(told).toContain(why);
      expect(told).toContain(remedy);
    },
  );

  it('direct negotiation', async ({ skip }) => {
    skip(server.version < 170_000, 'from PostgreSQL 17 on');
    const parameters = 'sslmode=verify-full&sslrootcert=AUTHORITY&sslnegotiation=direct';
    expect(await connected(url('tls_user', parameters))).toBe(true);
  });

  it('a file that holds no certificate is named', async () => {
    const empty = join(server.folder, 'empty.pem');
    await writeFile(empty, 'nothing\n');
    expect(await refusal(url('tls_user', `sslmode=verify-full&sslrootcert=${empty}`))).toContain(
      'no certificate',
    );
  });

  it("a password comes from a file that is nobody else's, and is looked up with each connection", async () => {
    const passfile = join(server.folder, 'pgpass');
    const line = (password: string): string =>
      `# mine\nelsewhere:*:*:*:wrong\nlocalhost:${server.port}:*:tls_user:${password.replaceAll(/[:\\]/g, String.raw`\$&`)}\n`;
    const address = url('tls_user', `sslmode=require&passfile=${passfile}`).replace(/:[^:@]*@/, '@');
    for (const each of [address, address.replace('tls_user', 'clear'), address.replace('tls_user', 'old')])
      expect(await refusal(each)).toBe(
        'a password is asked for, and none was given. Give it in the URL, by env PGPASSWORD, in ~/.pgpass or in the service file.',
      );
    await writeFile(passfile, line('wrong'), { mode: 0o600 });
    expect(await refusal(address)).toContain('password is wrong');
    await writeFile(passfile, line(PASSWORD));
    expect(await connected(address)).toBe(true);
    vi.stubEnv('PGPASSWORD', 'wrong');
    expect(await refusal(address)).toContain('password is wrong');
    vi.stubEnv('PGPASSWORD', PASSWORD);
    expect(await connected(address)).toBe(true);
    vi.unstubAllEnvs();
    await chmod(passfile, 0o644);
    expect(await refusal(address)).toContain(`may be read by others, so nothing is taken from it. chmod 600`);
  });

  it('a whole run, its queue in PostgreSQL and the dashboard, by variables and a password file alone', async () => {
    const passfile = join(server.folder, 'whole');
    await writeFile(passfile, `*:*:*:postgres:${server.password}\n`, { mode: 0o600 });
    await onServer(server.plainUrl, 'CREATE DATABASE whole');
    for (const [name, value] of Object.entries({
      PGPASSFILE: passfile,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: server.authority,
      PGCHANNELBINDING: 'require',
      PGHOSTADDR: server.address,
    }))
      vi.stubEnv(name, value);
    const databaseUrl = `postgres://postgres@localhost:${server.port}/whole`;
    const database = { databaseUrl, queueUrl: databaseUrl, drop: () => Promise.resolve() };
    const options = { BACKFILL_TABLE: 'docs', BACKFILL_TEXT: 'body', ...REPEATED_TEXTS };
    const backfill = await openBackfill(database, model, options);
    await createDocs(backfill.pool, 4, `'bread dough ' || n`);
    await backfill.enqueue();
    expect(await backfill.work()).toMatchObject({
      state: 'ready',
      rows: { embedded: 4 },
      index: { valid: true },
    });
    const { pool, config } = backfill;
    const address = {
      url: config.settings.queue,
      backfill: 'docs',
      installation: await installationId(pool),
      logger: silentLogger,
    };
    const opened = openQueues(address);
    const { embed, finalize, sync } = opened;
    const queues = { embed: embed.queue, finalize: finalize.queue, sync: sync.queue };
    const dashboard = createDashboardApp({
      pool,
      backfill: 'docs',
      settings: config.settings,
      queues,
      logger: silentLogger,
    });
    expect((await dashboard.app.request('/readyz')).status).toBe(200);
    const plain = await backfill.pool.query(
      'SELECT FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE NOT ssl AND datname = current_database()',
    );
    expect(plain.rowCount).toBe(0);
    await dashboard.close();
    await Promise.all(Object.values(opened).map((each) => each.close()));
    await backfill.close();
  });
});
