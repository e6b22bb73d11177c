/** Doctor's check of publications that would take our own tables along. It reads catalogs only. */

import { quoteLiteral, quoteName } from '../../db/identifiers.ts';
import { LEDGER_SCHEMA } from '../../db/migrate.ts';
import type { Queryable } from '../../db/pool.ts';
import type { TableFacts } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

/** FOR TABLES IN SCHEMA came with it. */
const SCHEMA_PUBLICATIONS = 150_000;

interface Publication {
  name: string;
  isOfAll: boolean;
}

/**
 * Ledger and staging table are made after the subscription: a subscriber has no such tables, and stops at the first row of
 * them. A table cannot be made so that FOR ALL TABLES leaves it out, but for one that a crash empties.
 */
export async function checkOwnPublications(
  db: Queryable,
  { schema }: Pick<TableFacts, 'schema'>,
): Promise<Finding[]> {
  const facts = await db.query<{ number: number; made: boolean; readers: number }>(
    `SELECT current_setting('server_version_num')::int AS number, to_regnamespace($1) IS NOT NULL AS made,
            (SELECT count(*)::int FROM pg_replication_slots WHERE plugin = 'pgoutput' AND database = current_database()) AS readers`,
    [LEDGER_SCHEMA],
  );
  const { number = 0, made = false, readers = 0 } = facts.rows[0] ?? {};
  const ofSchema =
    number < SCHEMA_PUBLICATIONS
      ? 'false'
      : `EXISTS (SELECT 1 FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid AND n.nspname = ANY ($1))`;
  const found = await db.query<Publication>(
    `SELECT p.pubname::text AS name, p.puballtables AS "isOfAll" FROM pg_publication p
      WHERE (p.puballtables OR ${ofSchema}) AND $1::text[] IS NOT NULL ORDER BY 1`,
    [[schema, LEDGER_SCHEMA]],
  );
  const [first] = found.rows;
  if (first === undefined) return [];
  const names = found.rows.map(
    ({ name, isOfAll }) => `${name} (${isOfAll ? 'all tables' : `schema ${schema}`})`,
  );
  const isDone = made ? '' : ' as soon as they are made';
  return [
    {
      level: made || readers === 0 ? 'warn' : 'error',
      check: 'published-ours',
      message: `${names.join(', ')} publishes the staging table${first.isOfAll ? ' and the ledger' : ''} too${isDone}: a subscriber that has no such tables stops at their first row.`,
      remedy: made ? withoutOurs(first) : `${withoutOurs(first)} ${letIn()}`,
    },
  ];
}

/** To paste into psql, one statement after the other. */
function withoutOurs({ name }: Publication): string {
  const other = `${name}_tables`;
  return `Publish the tables by name instead. Here, in psql: SELECT format('CREATE PUBLICATION %I FOR TABLE %s', ${quoteLiteral(other)}, string_agg(format('%I.%I', schemaname, tablename), ', ')) FROM pg_publication_tables WHERE pubname = ${quoteLiteral(name)} AND schemaname <> ${quoteLiteral(LEDGER_SCHEMA)} AND tablename NOT LIKE '%\\_embedding\\_stage' \\gexec. On each subscriber: ALTER SUBSCRIPTION ... SET PUBLICATION ${quoteName(other)};. Then here: DROP PUBLICATION ${quoteName(name)};.`;
}

const letIn = (): string =>
  `Where whoever reads it takes tables that it does not know (Debezium does): CREATE SCHEMA ${LEDGER_SCHEMA}; as this role, and go on.`;
