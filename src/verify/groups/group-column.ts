/** The column by whose groups searches are measured, such as that of the tenant, and a search within one of them. */

import type { Queryable } from '../../db/pool.ts';
import { quoteName } from '../../db/identifiers.ts';
import { ConfigError } from '../../errors.ts';
import type { Filter } from '../../search/queries/filter.ts';
import { describeColumns } from '../../table/find-key.ts';
import { keyTextSql, type KeyColumn } from '../../table/key.ts';
import type { Target } from '../../table/backfill-target.ts';

export interface GroupColumn {
  /** Unquoted. */
  name: string;
  /** As statements that read the legacy table name it. */
  ref: string;
  /** A value as text, which `groupFilter` takes. */
  valueText: string;
  described: KeyColumn;
  /** Whether an ordinary index begins with it, so that the rows of one group are found without reading the others. */
  isIndexed: boolean;
}

const REMEDY = 'Name a column of the table that many rows have the same value of, such as --by tenant_id.';

const refused = (message: string): ConfigError =>
  new ConfigError(message, { code: 'BY_COLUMN', remedy: REMEDY });

/** Of these two equal values are chance, or equality is not what anybody asks by. */
const UNSUITABLE = /^(real|double precision|jsonb|.*\.?"?(vector|halfvec|sparsevec)"?)$/;

/** @throws ConfigError `BY_COLUMN` where there is no such column, or its type does not make groups */
export async function findGroupColumn(db: Queryable, target: Target, name: string): Promise<GroupColumn> {
  const { schema, name: table, oid } = target;
  const [described] = await describeColumns(db, { schema, name: table, oid }, [
    { name, collation: null, isDescending: false },
  ]).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    throw refused(
      error.code === 'KEY_MISSING'
        ? `--by: ${schema}.${table} has no column ${name}.`
        : `--by: column ${name} cannot make groups: its type has no order, or is another text in another session.`,
    );
  });
  if (described === undefined) throw refused(`--by: ${schema}.${table} has no column ${name}.`);
  if (UNSUITABLE.test(described.type))
    throw refused(
      `--by: column ${name} of type ${described.type} cannot make groups: nobody asks for rows by the very same value of it.`,
    );
  const ref = `${target.ref}.${quoteName(name)}`;
  const index = await db.query<{ isIndexed: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                     WHERE i.indrelid = $1::oid AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL AND m.amname IN ('btree', 'hash')) AS "isIndexed"`,
    [oid, name],
  );
  return {
    name,
    ref,
    valueText: keyTextSql({ key: [described] }, [ref]),
    described,
    isIndexed: index.rows[0]?.isIndexed === true,
  };
}

/** As an application would ask for the rows of one tenant. @param value as `valueText` gives it */
export function groupFilter({ ref, name, described }: GroupColumn, value: string): Filter {
  const { operators, type, collate } = described;
  return { name: `by ${name}`, where: `${ref} ${operators.equal} $1::${type}${collate}`, values: [value] };
}
