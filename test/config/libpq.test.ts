import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionParameters } from '../../src/config/libpq/parameters.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError, messageOf } from '../../src/errors.ts';

describe('the database by the variables of libpq', () => {
  const load = async (env: NodeJS.ProcessEnv) => {
    const all = { HOME: folder, PGSYSCONFDIR: folder, ...env };
    const { settings } = await loadConfig({
      flags: {},
      env: { BACKFILL_TABLE: 't', BACKFILL_TEXT: 'a', ...all },
      cwd: folder,
    });
    const { hosts, user, database, more } = connectionParameters(settings.database.url, all);
    return { ...Object.fromEntries(more), ...hosts[0], user, database };
  };
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-libpq-'));
    await writeFile(
      join(folder, '.pg_service.conf'),
      '# mine\n[other]\nhost=elsewhere\n\n[shop]\nhost=db.example\nport=6543\ndbname=a b\nuser=anna\npassword=hidden/word\n',
    );
    await writeFile(
      join(folder, 'pg_service.conf'),
      '[system]\nhost=/run/postgresql\n[broken]\nhidden-word\n',
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    [
      { PGHOST: '/run/postgresql', PGDATABASE: 'd' },
      { host: '/run/postgresql', port: 5432, database: 'd' },
    ],
    [
      { PGHOST: 'h', PGUSER: 'u@x', PGPORT: '1' },
      { host: 'h', user: 'u@x', port: 1, database: 'u@x' },
    ],
    [
      { PGSERVICE: 'shop' },
      { host: 'db.example', port: 6543, user: 'anna', database: 'a b', password: 'hidden/word' },
    ],
    [
      { PGSERVICE: 'shop', PGHOST: 'ignored', PGUSER: 'ignored' },
      { host: 'db.example', user: 'anna' },
    ],
    [
      { PGSERVICE: 'system', PGDATABASE: 'd' },
      { host: '/run/postgresql', database: 'd' },
    ],
    [
      {
        PGHOST: 'h',
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: '/a b/ca.pem',
        PGTARGETSESSIONATTRS: 'primary',
      },
      { sslmode: 'verify-full', sslrootcert: '/a b/ca.pem', target_session_attrs: 'primary' },
    ],
    [
      { PGHOST: 'h', PGPASSWORD: 'p@s:s/w?o#r%d é', PGAPPNAME: 'mine', PGCONNECT_TIMEOUT: '3' },
      { password: 'p@s:s/w?o#r%d é', application_name: 'mine', connect_timeout: '3' },
    ],
    [
      { DATABASE_URL: 'postgres://first/db?sslmode=require', PGUSER: 'u', PGSSLMODE: 'disable' },
      { host: 'first', user: 'u', sslmode: 'require' },
    ],
    [
      { DATABASE_URL: 'postgres:///db?service=shop', PGHOST: 'ignored' },
      { host: 'db.example', port: 6543, user: 'anna', database: 'db', password: 'hidden/word' },
    ],
    [
      { DATABASE_URL: 'postgres://first/db', PGHOST: 'second' },
      { host: 'first', database: 'db' },
    ],
  ])('%j', async (env, parts) => {
    expect(await load(env)).toMatchObject(parts);
  });

  it.each([
    [{ PGSERVICE: 'nowhere' }, '"nowhere"'],
    [{ PGSERVICE: 'broken' }, 'Line 4'],
    [{ PGUSER: 'somebody' }, 'PGSERVICE'],
  ])('%j is refused with the reason', async (env, words) => {
    const error: unknown = await load(env).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(messageOf(error)).toContain(words);
    expect(messageOf(error)).not.toContain('hidden-word');
  });
});
