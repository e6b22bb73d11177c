import { expect, it } from 'vitest';
import type { Audit } from '../../src/audit/audit.ts';
import { auditLines } from '../../src/terminal/audit-lines.ts';

const linesOf = (source: Audit['source']): string =>
  auditLines(
    { passed: true, statements: [], untried: [], ownStatements: 0, indexes: [], source },
    { columns: 80 },
  ).join('\n');

it.each([
  ['', "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';"],
  // PostgreSQL would take one text for the name of one library.
  [
    'auto_explain, "$libdir/x"',
    "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', '$libdir/x', 'pg_stat_statements';",
  ],
  [null, 'Have pg_stat_statements added to shared_preload_libraries'],
])('says how to load pg_stat_statements beside %s', (preload, sql) => {
  expect(linesOf({ state: 'not-loaded', preload })).toContain(sql);
});

it('asks for the extension alone where the server has loaded it', () => {
  const lines = linesOf({ state: 'missing', preload: 'pg_stat_statements', isPreloaded: true });
  expect(lines).toContain('→ CREATE EXTENSION pg_stat_statements;');
  expect(lines).not.toContain('ALTER SYSTEM');
});
