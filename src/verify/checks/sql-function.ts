/** Calls what `cutover` has made for those who write SQL: the names in it are those of the day on which it was made. */

import { SQLSTATE, hasSqlState, isUnreachable } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { readModeOf, showReadMode } from '../../ledger/reads/read-mode.ts';
import { ownFunctions, type PresentFunction } from '../../search/queries/sql-function.ts';
import type { Check } from '../check.ts';
import { RECALL_K } from '../measures/recall.ts';
import type { SearchContext } from '../measures/systems.ts';

/** No check where there is no such function. @param vector of a row. @param embedded rows with a vector */
export async function checkSqlFunction(
  context: SearchContext,
  vector: string,
  embedded: number,
): Promise<Check[]> {
  const { pool, target } = context;
  // One that asks by the vectors of another generation takes no vector of this one.
  const found = (await ownFunctions(pool, target)).filter(({ generation }) => generation === target.backfill);
  if (found.length === 0) return [];
  const wanted = Math.min(RECALL_K, embedded);
  const outcomes: Called[] = [];
  for (const each of found) outcomes.push(await call(context, each, vector));
  const bad = outcomes.find(({ rows }) => rows === null || rows < wanted);
  const names = found.map(({ name }) => name).join(', ');
  return [
    {
      name: 'search-function',
      passed: bad === undefined,
      value: bad === undefined ? wanted : bad.rows,
      threshold: wanted,
      detail:
        bad === undefined
          ? `${names} gives its rows`
          : `${bad.signature}: ${bad.failure ?? `${bad.rows} rows of ${wanted}`}`,
      remedy: bad === undefined ? null : await remedyFor(context, bad),
    },
  ];
}

interface Called {
  signature: string;
  rows: number | null;
  failure: string | null;
}

async function call(
  { pool, target }: SearchContext,
  { name, signature, trusted }: PresentFunction,
  vector: string,
): Promise<Called> {
  // It would run with our rights.
  if (!trusted) return { signature, rows: null, failure: 'another role owns it, so it was not called' };
  try {
    const found = await inReadOnly(pool, { ...TABLE_LIMITS, tries: 1 }, (client) =>
      client.query<{ rows: number }>(
        `SELECT count(*)::int AS rows FROM ${name}($1::${target.vectorPrefix}vector, $2)`,
        [vector, RECALL_K],
      ),
    );
    return { signature, rows: found.rows[0]?.rows ?? 0, failure: null };
  } catch (error) {
    if (isUnreachable(error) && !hasSqlState(error, SQLSTATE.readOnly)) throw error;
    return { signature, rows: null, failure: messageOf(error) };
  }
}

async function remedyFor({ pool, target }: SearchContext, { signature }: Called): Promise<string> {
  const reads = await readModeOf(pool, target.backfill);
  return reads.mode === 'legacy'
    ? `DROP FUNCTION ${signature}; the next \`pgvector-backfill cutover\` makes it again.`
    : `Run \`pgvector-backfill cutover --to ${showReadMode(reads)} --execute\`, which makes it again and moves nothing.`;
}
