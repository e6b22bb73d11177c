/** How much of the index a search looks at, and how much more it might. */

import { MAX_EF_SEARCH, type ReadSettings } from '../ledger/reads/read-settings.ts';
import type { WatchResult } from '../ledger/passes/pass-result.ts';
import { isReranked } from '../table/candidates.ts';
import { listsOf } from '../verify/measures/lists.ts';
import type { SearchContext } from '../verify/measures/systems.ts';

/** Each twice the one before: what more than four times as much would mend, nobody wants to wait for. */
const STEPS = [2, 4];

export interface SearchDepth {
  setting: WatchResult['setting'];
  present: number;
  /** Larger ones to be tried. */
  more: number[];
  /** What no search for an application would wait for. */
  deepest: number;
}

/** Times the lists that are searched: all of them would be the whole index. */
const DEEP_PROBES = 20;

export async function searchDepth(context: SearchContext): Promise<SearchDepth> {
  const { target, read } = context;
  const setting = target.indexed.method === 'hnsw' ? 'hnsw.ef_search' : 'ivfflat.probes';
  const configured = Number(read[setting] ?? (await ofServer(context, setting)));
  const present = isReranked(target) ? Math.max(configured, target.candidates) : configured;
  const isHnsw = setting === 'hnsw.ef_search';
  const max = isHnsw ? MAX_EF_SEARCH : ((await listsOf(context)) ?? present);
  const more = STEPS.map((step) => Math.min(max, step * present)).filter((value) => value > present);
  const deepest = isHnsw ? max : Math.min(max, DEEP_PROBES * present);
  return { setting, present, more: [...new Set(more)], deepest };
}

/** The library is loaded by its first use; before that its settings are unknown to the server. */
async function ofServer({ pool, target }: SearchContext, setting: string): Promise<string> {
  const found = await pool.query<{ value: string }>(
    `SELECT '[1]'::${target.vectorPrefix}vector IS NULL, pg_catalog.current_setting($1) AS value`,
    [setting],
  );
  return found.rows[0]?.value ?? '1';
}

export const withDepth = (read: ReadSettings, { setting }: SearchDepth, value: number): ReadSettings => ({
  ...read,
  [setting]: String(value),
});
