/** A read mode tried before it answers anybody: each of the searches that it is made of, on a few queries. */

import { isOfARow } from '../db/sqlstates.ts';
import { TABLE_LIMITS } from '../db/transaction.ts';
import { answersInPart, isTrialMode, type WantedReads } from '../ledger/reads/read-mode.ts';
import { LegacyTries, TOO_SLOW, serverFault } from '../search/queries/legacy-fault.ts';
import { legacySearch } from '../search/queries/legacy-query.ts';
import { textSearch } from '../search/queries/text-query.ts';
import { nearest } from '../search/queries/vector-query.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import { chooseQueries } from '../verify/queries/query-source.ts';
import { sampleRows } from '../verify/queries/sampled-rows.ts';
import type { SearchContext } from '../verify/measures/systems.ts';

export interface ReadModeTrial {
  /** Why nobody would be answered; null where every search of the mode runs. */
  refusal: string | null;
  notes: string[];
}

const ROWS = 5;
const LIMITS = { ...TABLE_LIMITS, statementTimeoutMs: 10_000, tries: 1 };
/** Where the table has no row to take words from. */
const ANY_QUERY = 'search';

interface Asks {
  legacy: boolean;
  vector: boolean;
  words: boolean;
}

/** Whatever fails beside the answer of a shadow is counted, and no caller meets it; a base that is a generation answers already. */
function asksOf({ mode, base }: WantedReads): Asks {
  const legacy = base === undefined || base.generation === null;
  const isHybrid = mode === 'hybrid' || (answersInPart(mode) && base?.mode === 'hybrid');
  return {
    legacy: mode === 'legacy' || (legacy && isTrialMode(mode)),
    vector: mode !== 'legacy' && mode !== 'shadow',
    words: isHybrid,
  };
}

/** Reads only. */
export async function tryReadMode(context: SearchContext, to: WantedReads): Promise<ReadModeTrial> {
  const { pool, target, settings, read } = context;
  const asks = asksOf(to);
  const notes: string[] = [];
  const refusals: string[] = [];
  // Slow is not broken: applications have time limits of their own, and `verify` tells the times.
  const refuse = (what: string, fault: string): void =>
    void (fault === TOO_SLOW ? notes : refusals).push(`${what}: ${fault}`);
  const rows = await sampleRows(pool, target, await estimatedRows(pool, target.table), ROWS);
  const { queries } = await chooseQueries(context, null, rows);
  const lines = queries.map(({ text }) => text);
  // A word alone and a line of several: the operator's SQL may be right for one of them.
  const texts = [...new Set([...lines.map((line) => line.split(/\s+/, 1)[0] ?? line), ...lines])];
  if (texts.length === 0) texts.push(ANY_QUERY);
  if (asks.legacy) {
    const tries = new LegacyTries();
    for (const text of texts) {
      await tries.ask(() => legacySearch(pool, target, settings, text, 1, { limits: LIMITS }), null);
      if (tries.fault === TOO_SLOW) break;
    }
    if (tries.fault !== null && tries.raised === tries.asked)
      refuse('the legacy search, which answers in this mode, does not run', tries.fault);
    else if (tries.fault !== null)
      notes.push(
        `the legacy search raises for ${tries.raised} of ${tries.asked} queries that were tried: ${tries.fault}`,
      );
  }
  const [sample] = rows;
  if (asks.vector && sample !== undefined)
    await nearest(pool, target, settings.metric, sample.vector, 1, 'planned', { read, limits: LIMITS }).catch(
      (error: unknown) => refuse('the vector search does not run', serverFault(error)),
    );
  if (asks.words)
    await textSearch(pool, target, settings, texts.at(-1) ?? ANY_QUERY, 1, { limits: LIMITS }).catch(
      (error: unknown) => {
        const fault = serverFault(error);
        if (isOfARow((error as Error).cause))
          notes.push(
            `some row cannot be ranked by its words (${fault}): answers are by vectors alone until it is corrected`,
          );
        else refuse('the ranking by words does not run', fault);
      },
    );
  return { refusal: refusals.length === 0 ? null : refusals.join('; '), notes };
}
