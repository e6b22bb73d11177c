import { describe, expect, it } from 'vitest';
import { connectionParameters } from '../../../src/config/libpq/parameters.ts';
import { databaseUrlProblem, queueUrlProblem } from '../../../src/config/values/server-url.ts';

describe('the URL of a database', () => {
  it.each([
    ['postgres://user:pw@host/db', { host: 'host', user: 'user', password: 'pw', database: 'db' }],
    ['postgres://user:s%2Fa%3Fb%23c%25@host:1/db', { password: 's/a?b#c%', port: 1 }],
    ['postgres://user:p@ss@host/db', { host: 'host', password: 'p@ss' }],
    [
      'postgres://user:pw@/db?host=/cloudsql/project:region:instance',
      { host: '/cloudsql/project:region:instance', database: 'db' },
    ],
    ['postgres:///db?host=/run/postgresql&user=me', { host: '/run/postgresql', user: 'me' }],
    ['postgres://user@%2Frun%2Fpostgresql:5433/db', { host: '/run/postgresql', port: 5433 }],
    ['postgres://user@[::1]:5433/db', { host: '::1', port: 5433 }],
    ['postgres://host/db?user=me@example.org&password=a%40b', { host: 'host', user: 'me@example.org' }],
    ['postgres://h/db?options=endpoint%3Dep-1%20-c%20geqo%3Doff', { host: 'h', database: 'db' }],
    ['postgres://h/db?options=-c+geqo%3Doff&password=a+b', { options: '-c geqo=off', password: 'a+b' }],
    ['postgres://user:a b%20c+é@host/d%2Fb', { password: 'a b c+é', database: 'd/b' }],
    ['postgres://', { host: 'localhost', port: 5432, database: 'me' }],
  ])('%s is taken, as libpq takes it', (url, parts) => {
    expect(databaseUrlProblem(url)).toBeNull();
    const { hosts, user, database, more } = connectionParameters(url, { USER: 'me' });
    const shown = { user, database, password: more.get('password'), options: more.get('options') };
    expect({ ...hosts[0], ...shown }).toMatchObject(parts);
  });

  it('several hosts, each with its port and address', () => {
    const hosts = (url: string) => connectionParameters(url, { PGPORT: '9' }).hosts;
    expect(hosts('postgres://u@a:1,[::1]:2,%2Frun/db')).toEqual([
      { host: 'a', hostaddr: null, port: 1 },
      { host: '::1', hostaddr: null, port: 2 },
      { host: '/run', hostaddr: null, port: 5432 },
    ]);
    expect(hosts('postgres:///db?host=a,b')).toMatchObject([
      { host: 'a', port: 9 },
      { host: 'b', port: 9 },
    ]);
    expect(hosts('postgres://a,b/db?hostaddr=10.0.0.1,10.0.0.2&port=7')).toEqual([
      { host: 'a', hostaddr: '10.0.0.1', port: 7 },
      { host: 'b', hostaddr: '10.0.0.2', port: 7 },
    ]);
    for (const [url, words] of [
      ['postgres:///db?host=a,b,c&port=1,2', '2 of port for 3 hosts'],
      ['postgres:///db?host=a,b&hostaddr=10.0.0.1', '1 of hostaddr for 2 hosts'],
      ['postgres:///db?port=99999', 'no number from 1 to 65535'],
    ] as const)
      expect(() => connectionParameters(url, {})).toThrow(words);
  });

  it.each([
    ['postgres://app:12345/6789@127.0.0.1:5432/db', '%2F'],
    ['postgres://app:12345?6789@127.0.0.1:5432/db', '%3F'],
    ['postgres://app:6789#hid@127.0.0.1:5432/db', '%23'],
    ['postgres://app:67/hid@127.0.0.1/db', '%2F'],
    ['postgres://app:6789%ff@127.0.0.1/db', '%25'],
    ['postgres://app:6789@127.0.0.1:port/db', 'percent-encoded'],
    ['postgres://app:67/89@127.0.0.1,b/db', 'PGPASSWORD'],
    ['postgres://app:6789@127.0.0.1:1,b:port/db', 'percent-encoded'],
    [' postgres://app:6789@127.0.0.1/db', 'blank'],
    ['"postgres://app:6789@127.0.0.1/db"', 'quotation mark'],
    ['host=127.0.0.1 password=6789 dbname=db', 'postgres://user:password@host:port/database'],
    ['mysql://app:6789@h/db', 'postgres://'],
  ])('%s is refused with the reason, and no part of it', (url, words) => {
    const problem = databaseUrlProblem(url) ?? '';
    expect(problem).toContain(words);
    for (const part of ['6789', '127.0.0.1', 'hid', '12345']) expect(problem).not.toContain(part);
  });
});

describe('the URL of a queue', () => {
  it.each([
    'redis://host',
    'rediss://user:s%2Fa@host:6379/15',
    'redis://host?family=6',
    'redis+cluster://u:a:b@c@host:1,host:2',
    'redis+cluster://host:1,host:2/0',
    'redis+sentinel://:pw@a:1,b:2/mine',
    'postgres://user@/db?host=/run/postgresql',
    'postgres://user:pw@a:1,b:2/db',
  ])('%s is taken', (url) => {
    expect(queueUrlProblem(url)).toBeNull();
  });

  it.each([
    ['redis://app:12345/6789@127.0.0.1:6379/1', '%2F'],
    ['redis://app:12345?6789@127.0.0.1', '%3F'],
    ['redis://127.0.0.1:6379/abc', 'number'],
    ['redis://:6789@a,b', 'redis+cluster://'],
    ['redis+cluster://:6789@a,b/3', 'none'],
    ['amqp://app:6789@127.0.0.1', 'redis://'],
  ])('%s is refused with the reason, and no part of it', (url, words) => {
    const problem = queueUrlProblem(url) ?? '';
    expect(problem).toContain(words);
    for (const part of ['6789', '127.0.0.1', '12345']) expect(problem).not.toContain(part);
  });
});
