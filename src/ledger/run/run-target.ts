/** The table of a run, as whoever works for that run has to see it: by the run's own options, and no other table. */

import type { Settings } from '../../config/settings.ts';
import { parseQualified, quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { operatorRegclassSql } from '../../db/search-path.ts';
import { ConfigError } from '../../errors.ts';
import type { Target } from '../../table/backfill-target.ts';
import { describeTarget } from '../backfill/describe-target.ts';
import type { Run } from './run.ts';
import { followScope } from './scope.ts';

export const TABLE_REMEDY =
  'Run `pgvector-backfill enqueue`: it checks the table, captures its changes and plans what is missing.';

/** Tables that are named where a table has children. */
const NAMED = 3;

interface RunTable {
  /** Quoted schema.table, as the ledger has it. */
  name: string;
  /** What stands under that name; null where nothing does. */
  oid: string | null;
  children: string[];
}

/** $1 backfill, $2 oid of the run's table; of a row `b` of backfill. */
const FACTS = `b.target_table AS name, to_regclass(b.target_table)::oid::text AS oid,
            ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                   WHERE p.oid = $2::oid AND p.relkind <> 'p' ORDER BY 1) AS children`;

/**
 * Another one after any change of what a target is described by. Rows of the catalogs are known by the transaction that wrote
 * them, so that a change and its undoing are a change. $3 name of the table as the configuration has it, quoted.
 */
const VERSION = `concat_ws(' ', b.xmin, ${operatorRegclassSql('$3')},
              (SELECT concat_ws(' ', c.xmin, n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $2::oid),
              (SELECT string_agg(concat(a.attnum, ':', a.xmin), ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = $2::oid AND a.attnum > 0),
              (SELECT concat_ws(' ', e.xmin, n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'))`;

/** Why the table is not, or not alone, the one that the run was planned for; null where all is well. Reads catalogs and ledger only. */
export async function tableFault(
  db: Queryable,
  run: Pick<Run, 'id' | 'backfill' | 'tableOid' | 'scope'>,
): Promise<string | null> {
  if (run.tableOid === null) return null;
  const found = await db.query<RunTable>(
    `SELECT ${FACTS} FROM pgvector_backfill.backfill b WHERE b.name = $1`,
    [run.backfill, run.tableOid],
  );
  const [table] = found.rows;
  return table === undefined ? null : faultOf(run, table);
}

function faultOf(
  { id, tableOid, scope }: Pick<Run, 'id' | 'tableOid' | 'scope'>,
  { name, oid, children }: RunTable,
): string | null {
  if (oid === null) return `table ${name} is gone, or has another name now`;
  if (oid !== tableOid)
    return `another table stands under the name ${name} than the one that run ${id} was planned for, as online schema changes leave it: nobody captures its changes, and the index is not its own`;
  // The operator has told the rows apart where the condition speaks of tables.
  if (children.length === 0 || String(scope['where']).includes('tableoid')) return null;
  const more = children.length > NAMED ? ` and ${children.length - NAMED} more` : '';
  return `rows of ${children.slice(0, NAMED).join(', ')}${more} are rows of ${name} too since run ${id} was planned, by inheritance: nobody captures their changes, and a key may be there several times`;
}

export interface RunTarget {
  /** As the run was planned for. */
  settings: Settings;
  target: Target;
}

/**
 * Options follow the run; the table does not: whoever is told of another one must not write to it.
 * @throws ConfigError where the table is another one, or is gone
 */
export async function targetOfRun(db: Queryable, run: Run, settings: Settings): Promise<RunTarget> {
  refuse(await tableFault(db, run));
  return describe(db, run, settings);
}

/** @throws ConfigError */
function refuse(fault: string | null): void {
  if (fault === null) return;
  throw new ConfigError(`${fault[0]?.toUpperCase()}${fault.slice(1)}.`, {
    code: 'TABLE_REPLACED',
    remedy: TABLE_REMEDY,
  });
}

async function describe(db: Queryable, run: Run, settings: Settings): Promise<RunTarget> {
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

/** The same for a worker: described once for a run, and again after a change; each job asks one statement whether there was one. */
export class RunTargets {
  readonly #db: Queryable;
  readonly #settings: Settings;
  #known: { run: string; version: string; target: Promise<RunTarget> } | null = null;

  constructor(db: Queryable, settings: Settings) {
    this.#db = db;
    this.#settings = settings;
  }

  /** @throws ConfigError as `targetOfRun` */
  async of(run: Run): Promise<RunTarget> {
    // Of an older release's run nothing is known of its table.
    if (run.tableOid === null) return targetOfRun(this.#db, run, this.#settings);
    const configured = quoteQualified(parseQualified(this.#settings.table, 'Option table'));
    const found = await this.#db.query<RunTable & { version: string }>(
      `SELECT ${FACTS}, ${VERSION} AS version FROM pgvector_backfill.backfill b WHERE b.name = $1`,
      [run.backfill, run.tableOid, configured],
    );
    const [table] = found.rows;
    if (table === undefined) return targetOfRun(this.#db, run, this.#settings);
    refuse(faultOf(run, table));
    const version = `${table.version} ${JSON.stringify(run.scope)}`;
    if (this.#known?.run !== run.id || this.#known.version !== version) {
      const target = describe(this.#db, run, this.#settings);
      const known = { run: run.id, version, target };
      this.#known = known;
      target.catch(() => {
        if (this.#known === known) this.#known = null;
      });
    }
    return this.#known.target;
  }
}
