/** What the function of the triggers does: the same for each backfill of the table, one after the other. */

import { createHash } from 'node:crypto';
import { quoteLiteral, quoteName } from '../db/identifiers.ts';
import { noteChangeSql, noteMissedSql } from '../ledger/changes/capture-sql.ts';
import type { CapturePart } from '../ledger/changes/capture-parts.ts';
import { keyTextSql } from '../table/key.ts';

/** The most that a statement of the application waits for a lock on the ledger, once a transaction: less than a person notices. */
const LOCK_WAIT_MS = 250;
/** Behind a wait that was in vain, for another backfill. */
const NO_WAIT_MS = 1;
const LOCK_NOT_AVAILABLE = '55P03';

export const hashOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 8);

/** How the rows of one transaction know of each other. */
const captureSetting = (backfill: string): string => `pgvector_backfill.capture_${hashOf(backfill)}`;

/** As bytes: types without an equality and collations that overlook differences are compared all the same. */
const differs = (column: string): string =>
  `OLD.${quoteName(column)}::text COLLATE "C" IS DISTINCT FROM NEW.${quoteName(column)}::text COLLATE "C"`;

export const anyDiffers = (columns: readonly string[]): string => columns.map(differs).join(' OR ');

/** Columns that a change of one of is noted for some backfill. */
export const watchedByAny = (parts: readonly CapturePart[]): string[] => [
  ...new Set(parts.flatMap(({ watched }) => watched)),
];

/** SQL of whether the key of a row is another one than before. */
function keyMovedSql({ key }: CapturePart): string {
  // As text where two ways to write one value are two keys of the ledger.
  const moved = key.map(({ name, isCanonical }) => {
    const [before, after] = [`OLD.${quoteName(name)}`, `NEW.${quoteName(name)}`];
    return isCanonical
      ? `${before} <> ${after}`
      : `${before}::text COLLATE "C" <> ${after}::text COLLATE "C"`;
  });
  return moved.length === 1 ? (moved[0] ?? '') : `(${moved.join(' OR ')})`;
}

const keySql = ({ key }: CapturePart, row: 'OLD' | 'NEW'): string =>
  keyTextSql(
    { key },
    key.map(({ name }) => `${row}.${quoteName(name)}`),
  );

/** Of one backfill without a block around it, which each row would pay for. */
export function captureBody(parts: readonly CapturePart[]): string {
  const [first] = parts;
  if (first !== undefined && parts.length === 1)
    return `
DECLARE${captureVariables(first)}
BEGIN${captureSteps(first, { leave: 'RETURN NULL', patience: quoteLiteral(`${LOCK_WAIT_MS}ms`), where: '' })}
  RETURN NULL;
END
`;
  const all = watchedByAny(parts);
  const blocks = parts.map((part, at) => captureBlock(part, `part_${at + 1}`, all));
  return `
DECLARE
  patience text := '${LOCK_WAIT_MS}ms';
BEGIN${blocks.join('')}
  RETURN NULL;
END
`;
}

/** What is wrong for one backfill of the table is no other one's fault, nor is a change of columns that only another reads. */
function captureBlock(part: CapturePart, label: string, all: readonly string[]): string {
  const leave = `EXIT ${label}`;
  const isAlone = all.every((column) => part.watched.includes(column));
  const where = isAlone
    ? ''
    : `
    IF TG_OP = 'UPDATE' AND NOT (${anyDiffers(part.watched)}) THEN ${leave}; END IF;`;
  return `
  <<${label}>>
  DECLARE${captureVariables(part)}
  BEGIN${captureSteps(part, { leave, patience: 'patience', where })}
    IF missed = '${LOCK_NOT_AVAILABLE}' THEN patience := '${NO_WAIT_MS}ms'; END IF;
  END;`;
}

const captureVariables = ({ backfill }: CapturePart): string => `
  state text := current_setting(${quoteLiteral(captureSetting(backfill))}, true);
  key_before text;
  key_after text;
  waits text;
  done text;
  missed text;`;

interface Surroundings {
  /** Statement that ends the part. */
  leave: string;
  /** SQL of the longest wait for a lock. */
  patience: string;
  /** Statements in front of the reading of the key. */
  where: string;
}

/**
 * Runs with its owner's rights and looks nothing up in schemas of others; whoever writes to the table needs no right on ours.
 *
 * Whatever is wrong (the key has another name, the ledger is locked, missing or not to be written to), the statement of the
 * application goes through: what cannot be noted row by row is noted as missed, once a transaction, and the table is swept.
 * - The key is read in a block of its own: one that writes nothing costs a third of a microsecond and no transaction id.
 * - A block that writes takes a transaction id, and a snapshot of everybody else's suffers beyond 64 of them. So only the
 *   first note of a transaction is made inside the block; it leaves its lock and a setting that ends with the transaction,
 *   and the rows behind it are noted without.
 * - It never waits long for a lock on the ledger, and no second time.
 */
function captureSteps(part: CapturePart, { leave, patience, where }: Surroundings): string {
  const backfill = quoteLiteral(part.backfill);
  const state = quoteLiteral(captureSetting(part.backfill));
  // Assigned, not performed, which would be a query; and not a setting of the function, which each row would pay for.
  const wait = `done := set_config('lock_timeout', ${patience}, true);`;
  const restore = (value: string): string =>
    `done := set_config('lock_timeout', waits, true) || set_config(${state}, '${value}', true);`;
  const insert = (value: string): string => noteChangeSql(backfill, value);
  const note = (indent: string): string =>
    [
      `IF key_before IS NOT NULL OR TG_OP = 'TRUNCATE' THEN ${insert('key_before')} END IF;`,
      `IF key_after IS NOT NULL THEN ${insert('key_after')} END IF;`,
    ].join(`\n${indent}`);
  return `
  IF state = 'missed' THEN ${leave}; END IF;
  BEGIN${where}
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND ${keyMovedSql(part)}) THEN key_before := ${keySql(part, 'OLD')}; END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' THEN key_after := ${keySql(part, 'NEW')}; END IF;
    IF state IS DISTINCT FROM 'noted' THEN
      waits := current_setting('lock_timeout');
      ${wait}
      ${note('      ')}
      ${restore('noted')}
      ${leave};
    END IF;
  EXCEPTION WHEN OTHERS THEN
    missed := SQLSTATE;
  END;
  IF missed IS NULL THEN
    ${note('    ')}
    ${leave};
  END IF;
  waits := current_setting('lock_timeout');
  BEGIN
    ${wait}
    ${noteMissedSql(backfill, 'missed')}
  EXCEPTION WHEN OTHERS THEN
    BEGIN
      ${wait}
      ${insert('NULL')}
    EXCEPTION WHEN OTHERS THEN
      RAISE LOG 'pgvector-backfill % could not note changes of % (SQLSTATE %): the next sweep finds them', ${backfill}, TG_RELID::regclass, missed;
    END;
  END;
  ${restore('missed')}`;
}
