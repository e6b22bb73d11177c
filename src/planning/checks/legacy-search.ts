/** Doctor's check of the legacy search: it runs, for more than single words. */

import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import { TABLE_LIMITS } from '../../db/transaction.ts';
import type { Filter } from '../../search/queries/filter.ts';
import { LegacyTries, TOO_SLOW } from '../../search/queries/legacy-fault.ts';
import { legacySearch } from '../../search/queries/legacy-query.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

/** As people type them; the first is what every search has to take. */
const QUERIES = ['search', 'two words', `it's (odd) & "quoted": 50% - x?`];
/** A search that reads a large table is none that doctor waits for. */
const LIMITS = { ...TABLE_LIMITS, statementTimeoutMs: 10_000, tries: 1 };

export async function checkLegacySearch(pool: Pool, target: Target, settings: Settings): Promise<Finding[]> {
  const own = settings.search.filters.filter(({ legacySearch: sql }) => sql !== undefined);
  const findings: Finding[] = [];
  if (settings.legacySearch !== undefined)
    findings.push(...(await tryOut(pool, target, settings, null, 'legacySearch')));
  for (const filter of own)
    findings.push(
      ...(await tryOut(pool, target, settings, filter, `legacySearch of search.filters ${filter.name}`)),
    );
  return findings;
}

async function tryOut(
  pool: Pool,
  target: Target,
  settings: Settings,
  filter: Filter | null,
  name: string,
): Promise<Finding[]> {
  const tries = new LegacyTries();
  const failed: string[] = [];
  for (const text of QUERIES) {
    const before = tries.raised;
    await tries.ask(() => legacySearch(pool, target, settings, text, 1, { filter, limits: LIMITS }), null);
    if (tries.raised > before) failed.push(text);
    if (tries.fault === TOO_SLOW) break;
  }
  if (failed.length === 0) return [];
  const blocks = failed[0] === QUERIES[0] && tries.fault !== TOO_SLOW;
  return [
    {
      level: blocks ? 'error' : 'warn',
      check: 'legacy-search',
      message: `${name} does not run for ${failed.map((text) => JSON.stringify(text)).join(', ')}: ${tries.fault}`,
      remedy: blocks
        ? 'Correct it: SQL with $1 the query text, $2 the number of rows, and the key as first column.'
        : 'Correct it if people type such queries: reads that it answers throw for them, and comparisons count them as finding nothing.',
      option: filter === null ? 'legacySearch' : 'search.filters',
    },
  ];
}
