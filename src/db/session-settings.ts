/**
 * What our SQL depends on, said by ourselves: a server, a database or a role may have any other value of it. Said LOCAL in
 * every transaction, as a pooler in transaction mode keeps nothing else and hands on the rest; on the session only where
 * a statement can be in no transaction, and the connection is ours alone.
 */

import { OWN_PATH, pinSql, operatorPathSql } from './search-path.ts';

/** Of these hangs what a statement means, and what its answer looks like to the driver. */
const MEANING: Readonly<Record<string, string>> = {
  // '\S' is a backslash and an S, not an S.
  standard_conforming_strings: 'on',
  // The driver reads timestamps in ISO alone. Which of day and month comes first stays as it is: operators' casts may go by it.
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  client_encoding: 'UTF8',
  // NULL in an array of the driver's would be a word otherwise.
  array_nulls: 'on',
  quote_all_identifiers: 'off',
  xmloption: 'content',
};

/** Of these hangs whether all rows are seen, and whether a statement on a few keys reads the whole table. */
const OWN: Readonly<Record<string, string>> = {
  // A condition that a GIN index serves would leave rows out.
  gin_fuzzy_search_limit: '0',
  plan_cache_mode: 'auto',
  jit: 'off',
  ...Object.fromEntries(
    [
      'bitmapscan',
      'hashagg',
      'hashjoin',
      'indexonlyscan',
      'indexscan',
      'material',
      'mergejoin',
      'nestloop',
      'seqscan',
      'sort',
      'tidscan',
    ].map((name) => [`enable_${name}`, 'on']),
  ),
};

/**
 * `own`: work on rows, all of which must be seen. `search`: answers of the application's or as it would get them, with the
 * rows and the plans of its role; the operator's SQL stands there, and is looked up on the operator's path. `ledger`: our own SQL on
 * an application's connection.
 */
export type Purpose = 'own' | 'search' | 'ledger';

/** As `TransactionLimits` has them. */
interface StatementLimits {
  lockTimeoutMs: number;
  statementTimeoutMs: number;
}

const setSql = (name: string, value: string, isLocal: boolean): string =>
  `pg_catalog.set_config('${name}', '${value}', ${isLocal})`;

/** Not known to servers before 17. */
const noTransactionTimeout = (isLocal: boolean): string =>
  `CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL THEN ${setSql('transaction_timeout', '0', isLocal)} END`;

/** As the role, the database or the server has them: on a connection on which `sessionSql` has said our own. */
const THEIRS = [...Object.keys(OWN), 'row_security'].map((name) => `SET LOCAL ${name} TO DEFAULT`);

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED';

const limitsOf = ({ lockTimeoutMs, statementTimeoutMs }: StatementLimits): Record<string, string> => ({
  lock_timeout: `${lockTimeoutMs}ms`,
  statement_timeout: `${statementTimeoutMs}ms`,
  // A frozen worker must not hold locks.
  idle_in_transaction_session_timeout: `${2 * statementTimeoutMs}ms`,
});

/** The same on a connection that has its settings for good (`sessionSql`): its limits, and what may have come since. */
export function briefOpeningSql(limits: StatementLimits, rowSecurity: string | null): string {
  const says = Object.entries(limitsOf(limits)).map(([name, value]) => setSql(name, value, true));
  return [
    BEGIN,
    `SELECT ${says.join(', ')}`,
    ...(rowSecurity === null ? [] : [securitySql(rowSecurity)]),
  ].join('; ');
}

const securitySql = (rowSecurity: string): string =>
  `SELECT pg_catalog.set_config('row_security', security.value, true) FROM (${rowSecurity}) security`;

/**
 * Begins a transaction and says all of it, in one message. No parameters: a message of several statements takes none.
 * `isOurs`: of a pool of our own, whose connections may have our settings for good.
 */
export function openingSql(
  { lockTimeoutMs, statementTimeoutMs }: StatementLimits,
  purpose: Purpose,
  rowSecurity: string | null = null,
  isOurs = false,
  isPinned = false,
): string {
  const settings: Record<string, string> = {
    ...MEANING,
    ...(purpose === 'own' ? OWN : {}),
    ...limitsOf({ lockTimeoutMs, statementTimeoutMs }),
  };
  const says = Object.entries(settings).map(([name, value]) => setSql(name, value, true));
  const security =
    rowSecurity === null ? `SELECT ${setSql('row_security', 'off', true)}` : securitySql(rowSecurity);
  return [
    // Read committed, whatever the default: a merge goes by what another transaction has left of a row, and a whole table
    // read as serializable would make the application's transactions fail.
    BEGIN,
    // The path by itself: what follows is looked up by it.
    isPinned ? pinSql(true) : operatorPathSql(true),
    `SELECT ${says.join(', ')}, ${noTransactionTimeout(true)}`,
    ...(purpose === 'own' ? [security] : isOurs ? THEIRS : []),
  ].join('; ');
}

/**
 * The same for a connection of our own, for good. Without `limits` they are whoever's who uses it; without `path` the session
 * keeps its own.
 */
export function sessionSql(limits: StatementLimits | null = null, path: string | null = OWN_PATH): string {
  const settings = {
    ...MEANING,
    ...OWN,
    default_transaction_isolation: 'read committed',
    row_security: 'off',
    ...(limits === null ? { idle_in_transaction_session_timeout: '0' } : limitsOf(limits)),
  };
  const says = Object.entries(settings).map(([name, value]) => setSql(name, value, false));
  // Not known to servers before 14: a session that waits for its turn is idle for long.
  says.push(
    `CASE WHEN pg_catalog.current_setting('idle_session_timeout', true) IS NOT NULL THEN ${setSql('idle_session_timeout', '0', false)} END`,
  );
  return `${path === null ? operatorPathSql(false) : pinSql(false, path)}; SELECT ${says.join(', ')}, ${noTransactionTimeout(false)}`;
}
