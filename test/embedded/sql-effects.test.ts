import { expect, test } from 'vitest';
import { effectsOf, splitStatements } from '../../src/embedded/sql-effects.ts';

test.each([
  ['COPY t FROM STDIN', 'text'],
  ['copy t (a, b) from stdin with (format binary)', 'binary'],
  ["COPY t FROM STDIN (FORMAT 'binary', FREEZE)", 'binary'],
  ['COPY BINARY t FROM STDIN', 'binary'],
  ['COPY t FROM STDIN (FORMAT csv)', 'text'],
  ['-- a comment; with COPY\nCOPY\n  "t"\n  FROM /* here */ STDIN', 'text'],
  ['COPY "binary" FROM STDIN', 'text'],
  ['BEGIN; COPY t FROM STDIN', 'text'],
  ['COPY t TO STDOUT', null],
  ["COPY t FROM '/a/file'", null],
  ["SELECT 'COPY t FROM STDIN'", null],
  ["SELECT E'it\\'s'; SELECT 'x; COPY t FROM STDIN'", null],
  ['SELECT $$; COPY t FROM STDIN;$$', null],
  ['SELECT $tag$ $$; COPY t FROM STDIN; $tag$', null],
  ['/* outer /* inner */ ; COPY t FROM STDIN; */ SELECT 1', null],
  ['SELECT "a;COPY t FROM STDIN"', null],
  ['SELECT a$b, $1, c$d; SELECT $2', null],
])('COPY data wanted by %j: %s', (sql, format) => {
  expect(effectsOf(sql).copyIn).toBe(format);
});

test.each([
  ['SET search_path = x', true],
  ['BEGIN; SET lock_timeout = 1; COMMIT', true],
  ['RESET ALL', true],
  ['DISCARD ALL', true],
  ["SELECT set_config('a.b', $1, false)", true],
  ['SELECT set_config($1, $2, $3)', true],
  ["SELECT set_config('lock_timeout', $1, true), set_config('x', $2, TRUE)", false],
  ['SET LOCAL lock_timeout = 1', false],
  ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', false],
  ['UPDATE t SET a = 1', false],
  ["SELECT '; SET x = 1'", false],
])('session settings touched by %j: %s', (sql, touched) => {
  expect(effectsOf(sql).settings).toBe(touched);
});

test.each([
  ['LISTEN jobs', [{ kind: 'listen', channel: 'jobs' }]],
  ['listen Jobs;', [{ kind: 'listen', channel: 'jobs' }]],
  ['LISTEN "Jo""bs"', [{ kind: 'listen', channel: 'Jo"bs' }]],
  ['UNLISTEN *', [{ kind: 'unlisten-all' }]],
  [
    'UNLISTEN a; LISTEN b',
    [
      { kind: 'unlisten', channel: 'a' },
      { kind: 'listen', channel: 'b' },
    ],
  ],
  ['DISCARD ALL', [{ kind: 'unlisten-all' }]],
  [`LISTEN ${'ä'.repeat(40)}`, [{ kind: 'listen', channel: 'ä'.repeat(31) }]],
  ["SELECT 'LISTEN x'", []],
  ['SELECT listen FROM t', []],
])('listening changed by %j', (sql, changes) => {
  expect(effectsOf(sql).listens).toEqual(changes);
});

test('statements without an end are taken to the end of the text', () => {
  for (const sql of [
    "SELECT 'open",
    'SELECT "open',
    'SELECT /* open',
    'SELECT $x$ open',
    "SELECT E'open\\",
  ]) {
    expect(splitStatements(sql)).toHaveLength(1);
  }
});
