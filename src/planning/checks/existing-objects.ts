/** Doctor's checks of what is there already under the names of what a run adds. They read catalogs only. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { derivedName, parseQualified, quoteName, quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { tableBeside } from '../../ledger/backfill/made-table.ts';
import { keyNames } from '../../table/key.ts';
import type { Target } from '../../table/backfill-target.ts';
import { ownFunctions, type PresentFunction } from '../../search/queries/sql-function.ts';
import type { Finding } from './finding.ts';

/** Columns that are there are written to: they must be of a kind that may be. */
export async function checkAddedColumns(db: Queryable, target: Target): Promise<Finding[]> {
  if (target.store.kind === 'table') return [];
  const { column, updatedAtColumn } = target;
  const found = await db.query<{ name: string; type: string; generated: boolean }>(
    `SELECT a.attname::text AS name, t.typname::text AS type, a.attgenerated <> '' AS generated
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = $1::regclass AND a.attname = ANY ($2) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1`,
    [target.table, [column, updatedAtColumn]],
  );
  return found.rows.flatMap(({ name, type, generated }): Finding[] => {
    const option = name === column ? 'column' : 'updatedAtColumn';
    const fault = generated
      ? 'is a generated column, which cannot be written to'
      : option === 'updatedAtColumn' && !type.startsWith('timestamp')
        ? `is of type ${type}, not a timestamp: its values would be overwritten`
        : null;
    if (fault === null) return [];
    const message = `Column ${name} ${fault}.`;
    const remedy = `Choose another name by ${optionName(option)}, which is then added.`;
    return [{ level: 'error', check: 'columns', message, remedy, option }];
  });
}

/** Rows of the staging table are deleted and replaced: another table of its name must not be taken for it. */
export async function checkExistingObjects(db: Queryable, target: Target): Promise<Finding[]> {
  const stage = await db.query<{ ours: boolean }>(
    `SELECT c.relkind = 'r' AND $3 <> $1 AND NOT EXISTS (
              SELECT 1 FROM (SELECT unnest($2::name[]), NULL UNION ALL VALUES ('embedding'::name, 'vector'), ('text_hash', 'bytea'), ('batch', 'int4'), ('staged_at', 'timestamptz')) AS w (name, type)
               WHERE NOT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                                  WHERE a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped AND t.typname = coalesce(w.type, t.typname))) AS ours
       FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [target.stage, keyNames(target), target.table],
  );
  const index = await db.query<{ ours: boolean; kind: string; of: string | null }>(
    // By what it depends on: an index on a cast has the column in an expression.
    `SELECT EXISTS (SELECT 1 FROM pg_index i
                      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                       AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
                     WHERE i.indexrelid = c.oid AND i.indrelid = to_regclass($2) AND a.attname = $3) AS ours,
            c.relkind::text AS kind,
            (SELECT format('%I.%I', n.nspname, t.relname) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
               JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.indexrelid = c.oid AND i.indrelid IS DISTINCT FROM to_regclass($2)) AS of
       FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [
      quoteQualified({ schema: target.store.schema, name: target.indexName }),
      target.store.table,
      target.store.column,
    ],
  );
  const free = async (schema: string, name: string): Promise<string> => {
    for (let number = 1; ; number++) {
      const other = derivedName(name, number === 1 ? '_old' : `_old${number}`);
      const found = await db.query<{ taken: boolean }>('SELECT to_regclass($1) IS NOT NULL AS taken', [
        quoteQualified({ schema, name: other }),
      ]);
      if (found.rows[0]?.taken !== true) return other;
    }
  };
  const taken = async (
    what: string,
    schema: string,
    name: string,
    kind = 'r',
    of: string | null = null,
  ): Promise<Finding> => ({
    level: 'error',
    check: 'names',
    message: `${schema}.${name} is there already, and is not the ${what} of ${target.schema}.${target.name}${of === null ? '' : `: it is of table ${of}`}.`,
    remedy: `Rename it: ALTER ${INDEX_KINDS.includes(kind) ? 'INDEX' : 'TABLE'} ${quoteQualified({ schema, name })} RENAME TO ${quoteName(await free(schema, name))};`,
  });
  const stageSchema = parseQualified(target.stage, 'The staging table').schema ?? '';
  const beside = target.store.kind === 'table' ? await tableBeside(db, target) : null;
  const [staging] = stage.rows;
  const [found] = index.rows;
  return [
    ...(staging?.ours === false ? [await taken('staging table', stageSchema, target.stageName)] : []),
    ...(beside === null || beside.isOurs
      ? []
      : [await taken('table of vectors', target.store.schema, target.store.name)]),
    ...(await ownFunctions(db, target)).filter(({ trusted }) => !trusted).map(foreignFunction),
    ...(found?.ours === false
      ? [await taken('vector index', target.store.schema, target.indexName, found.kind, found.of)]
      : []),
  ];
}

/** Its comment says that it is ours: whoever calls it runs another role's code. */
const foreignFunction = ({ signature, owner }: PresentFunction): Finding => ({
  level: 'error',
  check: 'names',
  message: `Function ${signature} has the comment of ours, and belongs to role ${owner}: it would run with the rights of whoever calls it.`,
  remedy: `DROP FUNCTION ${signature}; the next \`pgvector-backfill cutover\` makes our own.`,
});

/** pg_class.relkind of an index, and of one of a partitioned table. */
const INDEX_KINDS = ['i', 'I'];

/**
 * Vectors are those of any distance, but an index serves one: searches by another would read the whole table. A build that
 * did not end is none; it is dropped and built again.
 */
export async function checkIndexMetric(
  db: Queryable,
  target: Target,
  { metric }: Pick<Settings, 'metric'>,
): Promise<Finding[]> {
  const found = await db.query<{ metric: string | null }>(
    `SELECT substring(o.opcname FROM '_(cosine|l2|ip)_ops$') AS metric
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_opclass o ON o.oid = i.indclass[0]
      WHERE c.oid = to_regclass($1) AND i.indrelid = to_regclass($2) AND i.indisvalid`,
    [quoteQualified({ schema: target.store.schema, name: target.indexName }), target.store.table],
  );
  const present = found.rows[0]?.metric ?? null;
  if (present === null || present === metric) return [];
  const name = quoteQualified({ schema: target.store.schema, name: target.indexName });
  return [
    {
      level: 'error',
      check: 'metric',
      message: `Index ${target.store.schema}.${target.indexName} serves searches by ${present}, and metric is ${metric}: no search would use it.`,
      remedy: `Set ${optionName('metric')} to ${present}. Or, for ${metric}: move reads back to the legacy search (\`pgvector-backfill rollback --execute\`), DROP INDEX ${target.store.isPartitioned ? '' : 'CONCURRENTLY '}${name}; then \`pgvector-backfill enqueue\` has the other index built and verified.`,
      option: 'metric',
    },
  ];
}
