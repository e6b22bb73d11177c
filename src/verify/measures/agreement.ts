/** How far legacy and vector search agree where nobody has judged which of them is right. */

import { overlap, rankBiasedOverlap } from '../../relevance/agreement.ts';
import type { Check } from '../check.ts';
import type { EmbeddedQuery } from '../queries/query-vectors.ts';
import { rankLegacy, rankVector, type SearchContext } from './systems.ts';

/** Where the queries are from: the file, or first lines of sampled rows. */
export type QuerySource = 'file' | 'rows';

export interface Agreement {
  queries: number;
  source: QuerySource;
  /** Mean share of the k places of the answers, as served, that both fill with the same keys. */
  k: number;
  overlap: number;
  measure: 'rank-biased overlap';
  /** Mean over the queries, 0 to 1, over the first `depth` keys of each. */
  rankCorrelation: number;
  depth: number;
  /** Queries for which the legacy search finds nothing, and vectors do. */
  legacyEmpty: number;
}

const K = 10;
const DEPTH = 100;
const DEPTHS = { k: K, depth: DEPTH };

export async function measureAgreement(
  context: SearchContext,
  queries: readonly EmbeddedQuery[],
  source: QuerySource,
): Promise<Agreement> {
  const sums = { overlap: 0, rankCorrelation: 0, legacyEmpty: 0 };
  for (const { text, vector } of queries) {
    const legacy = await rankLegacy(context, text, DEPTHS);
    const found = await rankVector(context, { text, vector }, DEPTHS);
    sums.overlap += overlap(legacy.served, found.served, K);
    sums.rankCorrelation += rankBiasedOverlap(legacy.deep, found.deep);
    if (legacy.served.length === 0 && found.served.length > 0) sums.legacyEmpty++;
  }
  const asked = Math.max(1, queries.length);
  return {
    queries: queries.length,
    source,
    k: K,
    overlap: sums.overlap / asked,
    measure: 'rank-biased overlap',
    rankCorrelation: sums.rankCorrelation / asked,
    depth: DEPTH,
    legacyEmpty: sums.legacyEmpty,
  };
}

/** Only told: two searches that differ may both be good. */
export function agreementCheck(agreement: Agreement): Check {
  const { queries, source, k, overlap, measure, rankCorrelation, depth, legacyEmpty } = agreement;
  return {
    name: 'agreement',
    passed: true,
    value: overlap,
    threshold: null,
    detail: `overlap@${k} of legacy and vector over ${queries} ${source === 'file' ? 'queries' : 'first lines of rows as queries'}; ${measure} (p = 0.9, first ${depth}) ${rankCorrelation.toFixed(3)}; legacy finds nothing for ${legacyEmpty}`,
    remedy: 'Judge queries and give them by --queries and --judgements to know which of the two is right.',
  };
}
