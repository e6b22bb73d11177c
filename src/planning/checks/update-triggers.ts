/** Doctor's checks of what an UPDATE of the table sets off, and of rows that it would not reach. They read catalogs only. */

import type { Settings } from '../../config/settings.ts';
import { quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { hiddenRows } from '../../db/hidden-rows.ts';
import { CAPTURE_TRIGGERS } from '../../sync/capture-ddl.ts';
import { treeSql } from '../../table/partitions.ts';
import type { TableFacts } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

export async function checkUpdateTriggers(
  db: Queryable,
  table: TableFacts,
  settings: Settings,
): Promise<Finding[]> {
  return [
    ...(await checkRowSecurity(db, table)),
    // Vectors beside the table are no UPDATE of it.
    ...(settings.store === 'table'
      ? []
      : [...(await checkTriggers(db, table, settings)), ...(await checkRules(db, table))]),
  ];
}

/** Rows that this user does not see would be counted by nobody, and stay without a vector in silence. */
async function checkRowSecurity(db: Queryable, table: TableFacts): Promise<Finding[]> {
  const hidden = await hiddenRows(db, quoteQualified(table));
  if (hidden === null) return [];
  return [
    {
      level: 'error',
      check: 'row-security',
      message: hidden.message,
      ...(hidden.remedy === undefined ? {} : { remedy: hidden.remedy }),
      option: 'database',
    },
  ];
}

interface UpdateTrigger {
  name: string;
  timing: string;
  each: string;
  function: string;
  conditional: boolean;
  /** It has no list of columns, or one with a column of ours. */
  fires: boolean;
}

/** Triggers of the application on UPDATE. A list of columns is about those that a statement names: ours names two. */
export async function updateTriggers(
  db: Queryable,
  oid: string,
  { column, updatedAtColumn }: Pick<Settings, 'column' | 'updatedAtColumn'>,
): Promise<UpdateTrigger[]> {
  // tgtype: 1 each row, 2 before, 16 update (src/include/catalog/pg_trigger.h).
  const found = await db.query<UpdateTrigger>(
    `SELECT t.tgname::text AS name, CASE WHEN t.tgtype & 2 = 2 THEN 'BEFORE' ELSE 'AFTER' END AS timing,
            CASE WHEN t.tgtype & 1 = 1 THEN 'each row' ELSE 'each statement' END AS each,
            t.tgfoid::regproc::text AS function, t.tgqual IS NOT NULL AS conditional,
            coalesce(array_length(t.tgattr, 1), 0) = 0
              OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) AND a.attname = ANY ($3)) AS fires
       FROM pg_trigger t
      WHERE t.tgrelid IN ${treeSql('$1::oid::regclass')} AND t.tgparentid = 0 AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 16 = 16 AND t.tgname <> ALL ($2)
      ORDER BY 1`,
    [oid, CAPTURE_TRIGGERS, [column, updatedAtColumn]],
  );
  return found.rows;
}

async function checkTriggers(db: Queryable, table: TableFacts, settings: Settings): Promise<Finding[]> {
  const triggers = await updateTriggers(db, table.oid, settings);
  const shown = ({ name, timing, each, function: called, conditional }: UpdateTrigger): string =>
    `${name} (${timing}, ${each}${conditional ? ', where its WHEN holds' : ''}, ${called})`;
  const firing = triggers.filter(({ fires }) => fires);
  const quiet = triggers.filter(({ fires }) => !fires);
  const findings: Finding[] = [];
  if (firing.length > 0)
    findings.push({
      level: 'warn',
      check: 'triggers',
      message: `The update of each row will fire ${firing.map(shown).join(', ')}.`,
      remedy:
        'Check that these triggers may run once for every row; restrict them to the columns they are about (UPDATE OF …) where not.',
    });
  if (quiet.length > 0)
    findings.push({
      level: 'ok',
      check: 'triggers-quiet',
      message: `not fired, as they are about other columns: ${quiet.map(({ name }) => name).join(', ')}`,
    });
  return findings;
}

async function checkRules(db: Queryable, { oid, schema, name }: TableFacts): Promise<Finding[]> {
  // ev_type: 2 is UPDATE (src/include/nodes/nodes.h).
  const found = await db.query<{ rule: string; instead: boolean }>(
    `SELECT rulename::text AS rule, is_instead AS instead FROM pg_rewrite
      WHERE ev_class = $1::oid AND ev_type = '2' AND ev_enabled IN ('O', 'A') ORDER BY 1`,
    [oid],
  );
  return found.rows.map(({ rule, instead }): Finding => {
    const message = instead
      ? `Rule ${rule} does something else in place of an UPDATE of ${schema}.${name}: vectors would never arrive.`
      : `Rule ${rule} does something more with each UPDATE of ${schema}.${name}.`;
    const remedy = `ALTER TABLE ${quoteQualified({ schema, name })} DISABLE RULE … for the time of the run, or make it a trigger of the columns it is about.`;
    return { level: instead ? 'error' : 'warn', check: 'rules', message, remedy };
  });
}
