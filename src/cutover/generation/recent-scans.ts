/** Whether somebody still searches by an index, as far as the server's statistics tell. */

import { setTimeout as delay } from 'node:timers/promises';
import { quoteQualified } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { REPORT_HOURS } from '../../ledger/reads/read-report.ts';
import type { AddedIndex } from '../../ledger/backfill/known-objects.ts';

/** The server adds up what a session has done about once a second, and a read mode is seen within two. */
const SETTLED_SECONDS = 5;
/** Between two counts, where the server does not tell the time of the last scan (before PostgreSQL 16). */
const COUNT_AGAIN_MS = 3000;

interface Scans {
  name: string;
  scans: number;
  /** Null where the server does not tell, or there was none. */
  secondsAgo: number | null;
}

/**
 * A phrase for each index that was scanned since reads have left it, and not longer ago than a day. The server has no word of
 * who that was: whoever asks in SQL, `verify`, or the `ready()` of an application, which tries what a rollback would lead to.
 * @param movedSeconds since the read mode was changed; Infinity where it never was
 */
export async function recentScans(
  db: Queryable,
  indexes: readonly AddedIndex[],
  movedSeconds: number,
  countAgainMs = COUNT_AGAIN_MS,
): Promise<string[]> {
  if (indexes.length === 0) return [];
  const names = indexes.map((each) => quoteQualified(each));
  const first = await scansOf(db, names);
  if (await tellsTimes(db)) {
    const since = Math.min(movedSeconds - SETTLED_SECONDS, REPORT_HOURS * 3600);
    return first
      .filter(({ secondsAgo }) => secondsAgo !== null && secondsAgo < since)
      .map(
        ({ name, secondsAgo }) =>
          `index ${name} was scanned ${ago(secondsAgo ?? 0)} ago (by a search in SQL, or once by \`verify\` or by an application that started)`,
      );
  }
  await delay(countAgainMs);
  const again = new Map((await scansOf(db, names)).map(({ name, scans }) => [name, scans]));
  return first.flatMap(({ name, scans }) => {
    const more = (again.get(name) ?? scans) - scans;
    return more > 0 ? [`index ${name} was scanned ${more} times in ${countAgainMs / 1000} s`] : [];
  });
}

const ago = (seconds: number): string =>
  seconds < 120
    ? `${Math.round(seconds)} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3600)} h`;

async function tellsTimes(db: Queryable): Promise<boolean> {
  const found = await db.query<{ tells: boolean }>(
    `SELECT current_setting('server_version_num')::int >= 160000 AS tells`,
  );
  return found.rows[0]?.tells === true;
}

/** As JSON, for the column that servers before PostgreSQL 16 do not have. Of a partitioned index all that its parts have. */
async function scansOf(db: Queryable, names: readonly string[]): Promise<Scans[]> {
  const found = await db.query<Scans>(
    `SELECT name, coalesce(sum(s.idx_scan), 0)::float8 AS scans,
            extract(epoch FROM clock_timestamp() - max((to_jsonb(s) ->> 'last_idx_scan')::timestamptz))::float8 AS "secondsAgo"
       FROM unnest($1::text[]) name
       CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(to_regclass(name)) UNION SELECT to_regclass(name)) parts
       JOIN pg_stat_all_indexes s ON s.indexrelid = parts.relid
      GROUP BY name ORDER BY name`,
    [names],
  );
  return found.rows;
}
