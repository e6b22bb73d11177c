/** Where the vectors are: the column, the extension, the index. */

import { optionName } from '../../config/option-name.ts';
import { quoteName } from '../../db/identifiers.ts';
import { findIndex, wantedIndex } from '../../finalize/index-definition.ts';
import {
  FULL_VERSION,
  SOUND_VACUUM_VERSION,
  findVectorExtension,
  isAtLeast,
} from '../../table/vector-extension.ts';
import type { Check } from '../check.ts';
import type { VerifyInput } from '../input.ts';

export async function checkDimensions({ pool, target, run }: VerifyInput): Promise<Check> {
  const column = await pool.query<{ type: string }>(
    // Not as the server writes a type: that depends on settings.
    `SELECT t.typname || '(' || a.atttypmod || ')' AS type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = $1::regclass AND a.attname = $2 AND NOT a.attisdropped`,
    [target.store.table, target.store.column],
  );
  const type = column.rows[0]?.type ?? 'missing';
  const wanted = `${target.columnType}(${run.dimensions})`;
  const passed = type === wanted;
  return {
    name: 'dimensions',
    passed,
    value: type,
    threshold: wanted,
    detail: `column ${quoteName(target.store.column)}${target.store.kind === 'table' ? ` of ${target.store.table}` : ''}, model ${run.model}`,
    // Another column would meet the same staging table.
    remedy: passed
      ? null
      : `Set ${optionName('model.name')} and ${optionName('columnType')} to what the column was made for and run \`pgvector-backfill enqueue\`, or take the backfill out of the table (\`pgvector-backfill rollback --to-legacy-schema --execute\`) and enqueue it again.`,
  };
}

/** An older version is said, not failed: the tool goes round its faults (no parallel build), the operator should know. */
export async function checkVersion({ pool }: VerifyInput): Promise<Check> {
  const { version } = await findVectorExtension(pool);
  const shown = version ?? 'none';
  const detail = !isAtLeast(shown, FULL_VERSION)
    ? `older than ${FULL_VERSION}, which full function needs: the index was built without parallel workers (CVE-2026-3172)`
    : !isAtLeast(shown, SOUND_VACUUM_VERSION)
      ? `vacuum of HNSW indexes has faults before ${SOUND_VACUUM_VERSION}`
      : 'full function';
  return {
    name: 'extension-version',
    passed: version !== null,
    value: shown,
    threshold: FULL_VERSION,
    detail,
    remedy: isAtLeast(shown, SOUND_VACUUM_VERSION)
      ? null
      : 'Upgrade pgvector, then ALTER EXTENSION vector UPDATE.',
  };
}

const INDEX_REMEDY = {
  none: 'Run `pgvector-backfill finalize`.',
  invalid: 'Run `pgvector-backfill finalize`, which drops it and builds it again.',
  valid: null,
  other: `Set ${optionName('index.method')}, ${optionName('index.type')} and ${optionName('metric')} to what it is, or drop it and run \`pgvector-backfill finalize\`.`,
} as const;

export async function checkIndex({ pool, target, settings }: VerifyInput, rows: number): Promise<Check> {
  const wanted = wantedIndex(target, settings, rows);
  const found = await findIndex(pool, target, wanted);
  const detail = {
    none: 'there is no such index',
    invalid: 'its build did not end',
    valid: `${wanted.method} (${wanted.expression?.sql ?? wanted.column} ${wanted.operatorClass}) with ${wanted.parameters.join(', ')}`,
    other: found.kind === 'other' ? `another definition: ${found.definition}` : '',
  }[found.kind];
  return {
    name: 'index-valid',
    passed: found.kind === 'valid',
    value: found.kind,
    threshold: 'valid',
    detail: `${wanted.name}: ${detail}`,
    remedy: INDEX_REMEDY[found.kind],
  };
}
