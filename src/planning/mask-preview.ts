/** What masking does to rows of the table, looked at before anything is embedded. */

import type { Pool } from '../db/pool.ts';
import { ConfigError } from '../errors.ts';
import { applyMasks, countMasks, createFinder, type Mask } from '../masking/masker.ts';
import { maskPolicyVersion, type MaskPolicy } from '../masking/policy.ts';
import { MaskTooSlow } from '../masking/rules.ts';
import type { Target } from '../table/backfill-target.ts';
import type { TextRow } from '../table/read-texts.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { relationBytesSql } from '../table/partitions.ts';
import { drawEnough } from '../table/sample-rows.ts';
import { sampleTexts } from '../table/sample-texts.ts';

/** Values to mask are rare: so many rows are looked at for one that is shown. */
const LOOKED_PER_SHOWN = 20;
const MIN_LOOKED = 500;
const MAX_LOOKED = 5000;
/** Of the pages that rows wanted would fill. */
const OVERSAMPLING = 4;
/** Enough to look at: times MAX_LOOKED it shall fit into memory. */
const MAX_CHARACTERS = 20_000;

export interface MaskedRow extends TextRow {
  masks: Mask[];
}

export interface MaskPreview {
  policy: MaskPolicy;
  version: string;
  /** Those where something is masked come first. */
  shown: MaskedRow[];
  /** Rows that were looked at, and those of them where something is masked. */
  looked: number;
  masked: number;
  /** Of all that were looked at. */
  counts: Record<string, number>;
}

/** Reads only. @throws ConfigError where the rules take too long on a row */
export async function previewMasks(
  pool: Pool,
  target: Target,
  policy: MaskPolicy,
  sample: number,
): Promise<MaskPreview> {
  const find = createFinder(policy);
  const looked = (await textsToLookAt(pool, target, sample)).map((row) => ({
    ...row,
    masks: findIn(find, row),
  }));
  const changed = looked.filter((row) => row.masks.length > 0);
  return {
    policy,
    version: maskPolicyVersion(policy),
    shown: [...changed, ...looked.filter((row) => row.masks.length === 0)].slice(0, sample),
    looked: looked.length,
    masked: changed.length,
    counts: countMasks(looked.flatMap((row) => row.masks)),
  };
}

function findIn(find: (text: string) => Mask[], { key, text }: TextRow): Mask[] {
  try {
    return find(text);
  } catch (error) {
    if (!(error instanceof MaskTooSlow)) throw error;
    throw new ConfigError(`Row ${key}: ${error.message}; it would be quarantined.`, {
      code: 'MASK_RULE',
      remedy: 'Begin the pattern with something definite, and bound its repetitions: {0,100} in place of *.',
      cause: error,
    });
  }
}

/** The object of `mask --json`. */
export const maskJson = ({ policy, version, shown, looked, masked, counts }: MaskPreview): object => ({
  policy: { version, types: policy.types, rules: policy.rules.map((rule) => rule.name) },
  rows: shown.map(({ key, text, masks }) => ({
    key,
    before: text,
    after: applyMasks(text, masks),
    counts: countMasks(masks),
  })),
  looked,
  masked,
  counts,
});

/** More rows than `shown`, so that those where something is masked can be preferred. */
async function textsToLookAt(pool: Pool, target: Target, shown: number): Promise<TextRow[]> {
  const rows = Math.min(MAX_LOOKED, Math.max(MIN_LOOKED, shown * LOOKED_PER_SHOWN));
  const percent = Math.min(100, (100 * OVERSAMPLING * rows) / Math.max(await rowsAbout(pool, target), 1));
  const { texts } = await drawEnough(
    (share) => sampleTexts(pool, target, share, { rows, characters: MAX_CHARACTERS }),
    { percent, more: 100 },
    (drawn) => drawn.texts.length < shown,
  );
  return texts;
}

/** By the statistics; of a table without any, a row per page at least, which errs on the side of reading more. */
async function rowsAbout(pool: Pool, target: Target): Promise<number> {
  const found = await pool.query<{ rows: number }>(
    `SELECT ${relationBytesSql('$1::regclass')} / current_setting('block_size')::int AS rows`,
    [target.table],
  );
  return Math.max(found.rows[0]?.rows ?? 0, await estimatedRows(pool, target.table));
}
