/** Doctor's checks of the server and the extension. They read catalogs only. */

import type { Queryable } from '../../db/pool.ts';
import { readOnlyReason } from '../../db/read-only.ts';
import {
  FULL_VERSION,
  HNSW_VERSION,
  SOUND_VACUUM_VERSION,
  findAvailableExtension,
  isAtLeast,
} from '../../table/vector-extension.ts';
import { concurrentBuildMissesRows } from '../../finalize/build/session.ts';
import type { Finding } from './finding.ts';

/** sha256(), gen_random_uuid() and the progress view all exist from here on. */
const MIN_POSTGRES = 130_000;

export async function checkServer(db: Queryable): Promise<Finding[]> {
  const found = await db.query<{ number: number; version: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`,
  );
  const { number = 0, version = '?' } = found.rows[0] ?? {};
  const readOnly = await readOnlyReason(db);
  const findings: Finding[] = [];
  if (number < MIN_POSTGRES) {
    findings.push({
      level: 'error',
      check: 'postgresql',
      message: `PostgreSQL ${version} is too old; 13 or newer is needed.`,
      remedy: 'Upgrade the server.',
    });
  } else if (concurrentBuildMissesRows(number)) {
    findings.push({
      level: 'error',
      check: 'postgresql',
      message: `PostgreSQL ${version} can miss rows in CREATE INDEX CONCURRENTLY (fixed in 14.4).`,
      remedy: 'Upgrade to the newest 14.x first.',
    });
  } else findings.push({ level: 'ok', check: 'postgresql', message: `PostgreSQL ${version}` });
  if (readOnly !== null) {
    findings.push({
      level: 'error',
      check: 'read-only',
      ...readOnly,
      option: 'database',
    });
  }
  return findings;
}

export async function checkExtension(db: Queryable): Promise<Finding[]> {
  const extension = await findAvailableExtension(db);
  const check = 'pgvector';
  if (extension.available === null) {
    return [
      {
        level: 'error',
        check,
        message: 'pgvector is not installed on this server.',
        remedy: 'Install its package (postgresql-NN-pgvector, or an image that has it), 0.8.2 or newer.',
      },
    ];
  }
  const version = extension.version ?? extension.available;
  if (!isAtLeast(version, HNSW_VERSION)) {
    return [
      {
        level: 'error',
        check,
        message: `pgvector ${version} has no HNSW index.`,
        remedy: `Upgrade the package to ${FULL_VERSION} or newer, then ALTER EXTENSION vector UPDATE.`,
      },
    ];
  }
  const findings: Finding[] = [];
  if (extension.version === null) {
    const allowed = await db.query<{ allowed: boolean }>(
      `SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
              OR (has_database_privilege(current_database(), 'CREATE')
                  AND EXISTS (SELECT 1 FROM pg_available_extension_versions WHERE name = 'vector' AND version = $1 AND trusted)) AS allowed`,
      [extension.available],
    );
    findings.push(
      allowed.rows[0]?.allowed === true
        ? {
            level: 'ok',
            check,
            message: `pgvector ${version} is available; enqueue will create the extension.`,
          }
        : {
            level: 'error',
            check,
            message: `pgvector ${version} is available but not created in this database, and this user may not create it.`,
            remedy:
              'Have an administrator run what `pgvector-backfill doctor --grants` prints: CREATE EXTENSION vector in this database.',
          },
    );
  } else findings.push({ level: 'ok', check, message: `pgvector ${version}` });
  if (!isAtLeast(version, FULL_VERSION)) {
    findings.push({
      level: 'warn',
      check: 'pgvector-version',
      message: `pgvector ${version} is older than ${FULL_VERSION}, which full function needs: its index is built without parallel workers (CVE-2026-3172).`,
      remedy: 'Upgrade the package, then ALTER EXTENSION vector UPDATE.',
    });
  } else if (!isAtLeast(version, SOUND_VACUUM_VERSION)) {
    findings.push({
      level: 'warn',
      check: 'pgvector-version',
      message: `pgvector ${version} has faults in the vacuum of HNSW indexes, fixed by ${SOUND_VACUUM_VERSION}.`,
      remedy: 'Upgrade when you can, then REINDEX CONCURRENTLY indexes that were vacuumed before.',
    });
  }
  return findings;
}
