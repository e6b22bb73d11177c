/** The extension, and the use of the schema that it is in. */

import { quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Role } from '../../db/rights-of-owner.ts';
import type { TableFacts } from '../../table/backfill-target.ts';
import { needed, type Grants } from './grant.ts';

interface Facts {
  /** Schema of the extension that is there; null where it is not. */
  present: string | null;
  available: boolean;
  /** This role may create it itself. */
  creatable: boolean;
  isSchema: boolean;
  usable: boolean;
}

/** @param wanted schema of the option; where it is not set, public, or the table's own in a database without it */
export async function extensionGrants(
  db: Queryable,
  role: Role,
  { schema }: TableFacts,
  wanted: string | undefined,
): Promise<Grants> {
  const found = await db.query<Facts & { name: string }>(
    `SELECT n.nspname::text AS present, w.name, s.oid IS NOT NULL AS "isSchema",
            coalesce(has_schema_privilege(coalesce(n.oid, s.oid), 'USAGE'), false) AS usable,
            EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector') AS available,
            has_database_privilege(current_database(), 'CREATE')
              AND EXISTS (SELECT 1 FROM pg_available_extension_versions v JOIN pg_available_extensions a ON a.name = v.name AND a.default_version = v.version
                           WHERE v.name = 'vector' AND v.trusted) AS creatable
       FROM (SELECT coalesce($1::text, CASE WHEN to_regnamespace('public') IS NULL THEN $2::text ELSE 'public' END) AS name) w
       LEFT JOIN pg_namespace s ON s.nspname = w.name::name
       LEFT JOIN pg_extension e ON e.extname = 'vector' LEFT JOIN pg_namespace n ON n.oid = e.extnamespace`,
    [wanted ?? null, schema],
  );
  const [facts] = found.rows;
  if (facts === undefined) return { grants: [], notes: [] };
  const { present, name, available, creatable, isSchema, usable } = facts;
  if (present === null && !available)
    return {
      grants: [],
      notes: [
        'pgvector is not installed on this server: install its package (postgresql-NN-pgvector) first.',
      ],
    };
  const place = quoteName(present ?? name);
  const created =
    present !== null
      ? []
      : [
          ...(isSchema ? [] : [`CREATE SCHEMA ${place}`]),
          ...(creatable ? [] : [`CREATE EXTENSION IF NOT EXISTS vector SCHEMA ${place}`]),
        ];
  return {
    grants: [
      ...needed('pgvector has the type of the vectors and their index', created),
      ...needed(
        'types and operators of pgvector are used from its schema',
        usable ? [] : [`GRANT USAGE ON SCHEMA ${place} TO ${role.name}`],
      ),
    ],
    notes: [],
  };
}
