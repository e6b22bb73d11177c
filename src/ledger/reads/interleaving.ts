/** What interleaved answers of applications have counted: sums by day, never a text, a key or a person. */

import type { Queryable } from '../../db/pool.ts';
import { emptyHistogram } from '../../observability/histogram.ts';
import { preferenceOf, type Preference } from '../../relevance/preference.ts';

const COUNTS = [
  /** Answers in which both searches had a part. */
  'searches',
  /** Answers of one search alone, as the other had no row for them. */
  'oneSided',
  /** Answers of one search alone, as the other failed or was slow. */
  'failed',
  'baseClicks',
  'ownClicks',
  'baseWins',
  'ownWins',
  'ties',
] as const;
type Count = (typeof COUNTS)[number];
/** Below 0 where a second click has made a tie of what was handed over as won. */
export type InterleavedCounts = Partial<Record<Count, number>>;

/** What the counts are of, beside the generation that is tried. */
export interface Interleaved {
  /** UTC, `2026-05-04`: of the answer, not of the click. */
  day: string;
  run: string;
  /** What answered before: `legacy`, `vector@1`, `hybrid@1`. */
  against: string;
}

const KEY = /^(\d{4}-\d\d-\d\d) (\d{1,19}) (legacy|(?:vector|hybrid)@[1-9]\d{0,5})$/;

export const interleavedKey = ({ day, run, against }: Interleaved): string => `${day} ${run} ${against}`;
/** Null where it is none. */
export function parseInterleavedKey(key: string): Interleaved | null {
  const [, day, run, against] = KEY.exec(key) ?? [];
  return day === undefined || run === undefined || against === undefined ? null : { day, run, against };
}

/** Keys that are kept, the newest: one for each day of one comparison. */
const KEPT = 100;

/** Adds to what other processes have counted. Nothing where the backfill is gone. @param counts by `interleavedKey` */
export async function addInterleaved(
  db: Queryable,
  name: string,
  counts: Readonly<Record<string, InterleavedCounts>>,
): Promise<void> {
  await db.query(
    `INSERT INTO pgvector_backfill.read_stats AS s (backfill, legacy_ms, vector_ms, interleaved)
     SELECT name, $2, $2, $3::jsonb FROM pgvector_backfill.backfill WHERE name = $1
     ON CONFLICT (backfill) DO UPDATE SET interleaved = (
       SELECT coalesce(jsonb_object_agg(summed.key, summed.counts), '{}')
         FROM (SELECT added.key, jsonb_object_agg(added.name, added.total) AS counts
                 FROM (SELECT d.key, c.key AS name, sum(c.value::text::numeric) AS total
                         FROM (SELECT key, value FROM jsonb_each(s.interleaved)
                               UNION ALL SELECT key, value FROM jsonb_each(excluded.interleaved)) d
                        CROSS JOIN jsonb_each(d.value) c
                        GROUP BY 1, 2) added
                GROUP BY 1 ORDER BY 1 DESC LIMIT ${KEPT}) summed)`,
    [name, emptyHistogram(), JSON.stringify(counts)],
  );
}

/** Of one comparison: a generation's run against what answered before. */
export interface InterleavingSummary extends Preference, Required<InterleavedCounts> {
  run: string;
  against: string;
  /** Of its first and last answer, UTC. */
  from: string;
  to: string;
}

/** The newest comparison first; none before the first answer. */
export function interleavingOf(stored: Readonly<Record<string, unknown>>): InterleavingSummary[] {
  const found = new Map<string, Interleaved & { to: string; counts: Required<InterleavedCounts> }>();
  for (const key of Object.keys(stored).toSorted((a, b) => (a < b ? -1 : 1))) {
    const of = parseInterleavedKey(key);
    if (of === null) continue;
    const counts = stored[key] as Record<string, unknown> | null;
    const group = `${of.run} ${of.against}`;
    const summed = found.get(group) ?? {
      ...of,
      to: of.day,
      counts: Object.fromEntries(COUNTS.map((name) => [name, 0])) as Required<InterleavedCounts>,
    };
    for (const name of COUNTS) summed.counts[name] += Number(counts?.[name] ?? 0) || 0;
    found.delete(group);
    found.set(group, { ...summed, to: of.day });
  }
  return [...found.values()]
    .map(({ run, against, day, to, counts }) => ({
      run,
      against,
      from: day,
      to,
      ...counts,
      ...preferenceOf(counts),
    }))
    .toReversed();
}
