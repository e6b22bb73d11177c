/** Doctor's checks of the operator's SQL: it runs, and it is one expression that stays where it is put. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { SQLSTATE, hasSqlState } from '../../db/sqlstates.ts';
import { hidesRows } from '../../db/row-security.ts';
import { TABLE_LIMITS, inReadOnly, inReadOnlySearch } from '../../db/transaction.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { assertTrustedCode } from '../../table/trusted-code.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';
import { checkTextColumns } from './text-columns.ts';

interface Expression {
  option: 'text' | 'where' | 'search.filters';
  /** As the operator wrote it; null where we wrote it ourselves, of quoted names. */
  raw: string | null;
  /**
   * Statement with it as it will be used, and bare, on no row. `$n` is the limit. Beside another relation a system column
   * has to be qualified, and rows are read beside their text.
   */
  used: string;
  bare: string;
  values: unknown[];
}

type Condition = [option: 'where' | 'search.filters', raw: string, values: unknown[]];

export async function checkExpressions(pool: Pool, target: Target, settings: Settings): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const expression of expressionsOf(target, settings)) {
    const fault = await faultOf(pool, expression, target);
    const { option } = expression;
    if (fault !== null) {
      findings.push({
        level: 'error',
        check: option,
        message: `Option ${option} does not fit the table: ${fault}.`,
        remedy: `Correct ${optionName(option)}.`,
        option,
      });
    } else if (option === 'text') findings.push(...(await checkText(pool, target, settings)));
  }
  return [...findings, ...(await checkOwnCode(pool, target, settings))];
}

async function checkText(pool: Pool, target: Target, { text }: Settings): Promise<Finding[]> {
  const columns = Array.isArray(text) ? text : [];
  const structured = await checkTextColumns(pool, target, columns);
  if (structured.length > 0) return structured;
  return [{ level: 'ok', check: 'text', message: Array.isArray(text) ? text.join(', ') : text.sql }];
}

/** SQL that searches run as it is. */
async function checkOwnCode(pool: Pool, target: Target, settings: Settings): Promise<Finding[]> {
  const statements: [option: string, sql: string | undefined][] = [
    ['legacySearch', settings.legacySearch],
    ...settings.search.filters.flatMap(({ where, legacySearch }): [string, string | undefined][] => [
      ['search.filters', `SELECT 1 FROM ${target.table} WHERE (${where})`],
      ['search.filters', legacySearch],
    ]),
  ];
  const findings: Finding[] = [];
  for (const [option, sql] of statements)
    await assertTrustedCode(pool, target, option, sql).catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error;
      const { message, remedy = '' } = error;
      findings.push({ level: 'error', check: 'names', message, remedy, option });
    });
  return findings;
}

function expressionsOf(target: Target, { text, where, search: { filters } }: Settings): Expression[] {
  const { table } = target;
  const sql = Array.isArray(text) ? null : text.sql;
  const conditions: Condition[] = [
    ...(where === undefined ? [] : [['where', where, []] satisfies Condition]),
    ...filters.map((filter): Condition => ['search.filters', filter.where, filter.values]),
  ];
  return [
    {
      option: 'text',
      raw: sql,
      used: `SELECT pgvb_text FROM ${table} CROSS JOIN LATERAL (SELECT ${target.text} AS pgvb_text OFFSET 0) pgvb_texts LIMIT $1`,
      bare: `SELECT ${sql ?? 'NULL'}\n AS text FROM ${table} LIMIT $1`,
      values: [],
    },
    ...conditions.map(([option, raw, values]) => ({
      option,
      raw,
      used: `SELECT 1 FROM ${table} CROSS JOIN LATERAL (SELECT 1 AS pgvb_text OFFSET 0) pgvb_texts WHERE (${raw}) LIMIT $${values.length + 1}`,
      bare: `SELECT 1 FROM ${table} WHERE ${raw}\n LIMIT $${values.length + 1}`,
      values,
    })),
  ];
}

/** What is wrong with it, in a sentence without its full stop; null where nothing is. */
async function faultOf(
  pool: Pool,
  { option, raw, used, bare, values }: Expression,
  { names }: Target,
): Promise<string | null> {
  const error = await attempt(pool, used, values);
  if (error !== null) return messageOf(error);
  if (raw === null) return null;
  // Its names are looked up in the catalog alone then.
  const unnamed =
    (option === 'text' || option === 'where') && names[option] === undefined
      ? await attempt(pool, used, values, inReadOnly)
      : null;
  if (unnamed !== null)
    return `${messageOf(unnamed)}, where its names are looked up in pg_catalog alone: this role may make no temporary view, by which they would be looked up on its own path. Write each name with its schema, or GRANT TEMPORARY ON DATABASE`;
  // `a) OR (b` is valid between parentheses, but not in itself: its second half would be out of every range of keys. A
  // bare SELECT is the other way about, and is a statement.
  const alone = await attempt(pool, bare, values);
  if (!hasSqlState(alone, SQLSTATE.syntax)) return null;
  const statement = await attempt(pool, `EXPLAIN ${raw}`, values);
  return hasSqlState(statement, SQLSTATE.syntax) ? 'it is not one whole expression' : null;
}

/** On the operator's path. With a parameter, so that the server takes one statement and no more; it may read and nothing else. */
async function attempt(
  pool: Pool,
  sql: string,
  values: readonly unknown[],
  on: typeof inReadOnly = inReadOnlySearch,
): Promise<unknown> {
  try {
    await on(pool, TABLE_LIMITS, (client) => client.query(sql, [...values, 0]));
    return null;
  } catch (error) {
    // Of the table's rows, not of the expression.
    if (hidesRows(error)) throw error;
    return error;
  }
}
