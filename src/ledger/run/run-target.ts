/** The table of a run, as whoever works for that run has to see it: by the run's own options, and no other table. */

import type { Settings } from '../../config/settings.ts';
import type { Queryable } from '../../db/pool.ts';
import { ConfigError } from '../../errors.ts';
import type { Target } from '../../table/backfill-target.ts';
import { describeTarget } from '../backfill/describe-target.ts';
import type { Run } from './run.ts';
import { followScope } from './scope.ts';

export const TABLE_REMEDY =
  'Run `pgvector-backfill enqueue`: it checks the table, captures its changes and plans what is missing.';

/** Tables that are named where a table has children. */
const NAMED = 3;

/** Why the table is not, or not alone, the one that the run was planned for; null where all is well. Reads catalogs and ledger only. */
export async function tableFault(
  db: Queryable,
  { id, backfill, tableOid, scope }: Pick<Run, 'id' | 'backfill' | 'tableOid' | 'scope'>,
): Promise<string | null> {
  if (tableOid === null) return null;
  const found = await db.query<{ name: string; oid: string | null; children: string[] }>(
    `SELECT b.target_table AS name, to_regclass(b.target_table)::oid::text AS oid,
            ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                   WHERE p.oid = $2::oid AND p.relkind <> 'p' ORDER BY 1) AS children
       FROM pgvector_backfill.backfill b WHERE b.name = $1`,
    [backfill, tableOid],
  );
  const table = found.rows[0];
  if (table === undefined) return null;
  const { name, oid, children } = table;
  if (oid === null) return `table ${name} is gone, or has another name now`;
  if (oid !== tableOid)
    return `another table stands under the name ${name} than the one that run ${id} was planned for, as online schema changes leave it: nobody captures its changes, and the index is not its own`;
  // The operator has told the rows apart where the condition speaks of tables.
  if (children.length === 0 || String(scope['where']).includes('tableoid')) return null;
  const more = children.length > NAMED ? ` and ${children.length - NAMED} more` : '';
  return `rows of ${children.slice(0, NAMED).join(', ')}${more} are rows of ${name} too since run ${id} was planned, by inheritance: nobody captures their changes, and a key may be there several times`;
}

/**
 * Options follow the run; the table does not: whoever is told of another one must not write to it.
 * @throws ConfigError where the table is another one, or is gone
 */
export async function targetOfRun(
  db: Queryable,
  run: Run,
  settings: Settings,
): Promise<{ settings: Settings; target: Target }> {
  const fault = await tableFault(db, run);
  if (fault !== null)
    throw new ConfigError(`${fault[0]?.toUpperCase()}${fault.slice(1)}.`, {
      code: 'TABLE_REPLACED',
      remedy: TABLE_REMEDY,
    });
  const followed = followScope(run, settings);
  const target = await describeTarget(db, run.backfill, followed);
  if (run.tableOid !== null && run.tableOid !== target.oid)
    throw new ConfigError(
      `Option table is ${settings.table} here, and run ${run.id} of ${run.backfill} was planned for another table.`,
      {
        code: 'TABLE_REPLACED',
        remedy:
          'Give every worker the configuration of the last `enqueue`, or another backfill a name of its own.',
      },
    );
  return { settings: followed, target };
}
