import { expect, test } from 'vitest';
import { startupSettings, switchSettingsSql } from '../../src/embedded/session-settings.ts';

const settings = (pairs: Record<string, string>) => new Map(Object.entries(pairs));

test('start-up parameters and options become settings; the rest of the packet does not', () => {
  expect(
    startupSettings(
      settings({
        user: 'postgres',
        database: 'postgres',
        client_encoding: 'UTF8',
        '_pq_.something': '1',
        application_name: 'me',
        options: String.raw`-c search_path="a\ b",c --lock-timeout=5s -cwork_mem=1MB`,
      }),
    ),
  ).toEqual(
    settings({ application_name: 'me', search_path: '"a b",c', lock_timeout: '5s', work_mem: '1MB' }),
  );
});

test('a name that is none, or an option that sets nothing, is refused before it becomes SQL', () => {
  expect(() => startupSettings(settings({ options: '-c x;y=1' }))).toThrow('x;y');
  expect(() => startupSettings(settings({ options: '-d 5' }))).toThrow('-d');
});

test('only what differs is switched', () => {
  const sql = switchSettingsSql(
    settings({ a: '1', b: '2', c: '3' }),
    settings({ b: '2', c: "it's", d: '4' }),
  );
  expect(sql).toBe(
    "RESET a; SELECT pg_catalog.set_config('c', 'it''s', false), pg_catalog.set_config('d', '4', false)",
  );
  expect(switchSettingsSql(settings({ a: '1' }), settings({ a: '1' }))).toBe('');
});
