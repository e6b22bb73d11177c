/** pgvector's files on the server against what the database has of it: an upgrade or a restore changes the one and not the other. */

import type { Pool } from '../../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { messageOf } from '../../errors.ts';
import { findVectorExtension, isAtLeast } from '../../table/vector-extension.ts';
import type { Finding } from '../checks/finding.ts';

const LIMITS = { ...TABLE_LIMITS, statementTimeoutMs: 5000, tries: 1 };

const finding = (level: 'warn' | 'error', message: string, remedy: string): Finding => ({
  level,
  check: 'pgvector-files',
  message,
  remedy,
});

export async function checkExtensionFiles(pool: Pool): Promise<Finding[]> {
  const { version, prefix } = await findVectorExtension(pool);
  if (version === null) return [];
  const files = await pool.query<{ available: string }>(
    `SELECT default_version AS available FROM pg_available_extensions WHERE name = 'vector'`,
  );
  const available = files.rows[0]?.available ?? null;
  const install =
    'Install pgvector for this release of PostgreSQL (postgresql-NN-pgvector, or an image that has it) on the server.';
  if (available === null)
    return [
      finding('error', `This database has pgvector ${version}, and its server has no files of it.`, install),
    ];
  try {
    // Its library is loaded by this.
    await inReadOnly(pool, LIMITS, (client) =>
      client.query(`SELECT ${prefix}l2_distance('[1]'::${prefix}vector, '[2]'::${prefix}vector)`),
    );
  } catch (error) {
    return [
      finding('error', `The library of pgvector ${version} does not load: ${messageOf(error)}.`, install),
    ];
  }
  if (available === version) return [];
  return isAtLeast(available, version)
    ? [
        finding(
          'warn',
          `The server has the files of pgvector ${available}, and this database has version ${version} of it, as an upgrade of the server or of the package leaves it.`,
          'ALTER EXTENSION vector UPDATE; and read its changelog for whether indexes are to be built again.',
        ),
      ]
    : [
        finding(
          'error',
          `This database has pgvector ${version}, and the files of its server are of version ${available}, which is older: what is new in ${version} fails.`,
          `Install pgvector ${version} or newer on the server.`,
        ),
      ];
}
