/** What people who were answered by two searches in turn have clicked. */

import type { Run } from '../../ledger/run/run.ts';
import type { InterleavingSummary } from '../../ledger/reads/interleaving.ts';
import { nameOfBase, showPreference, showVotes } from '../../ledger/reads/interleaving-words.ts';
import { parseGenerationName } from '../../config/values/generation-name.ts';
import type { Check } from '../check.ts';

/** Only told: clicks are the application's, and whoever moves reads on decides by them. Of an earlier run's vectors they say nothing. */
export function interleavingChecks(run: Run, found: readonly InterleavingSummary[]): Check[] {
  const { generation } = parseGenerationName(run.backfill);
  return found
    .filter((each) => each.run === run.id)
    .map((each) => {
      const own = each.against === 'legacy' ? 'vector' : `generation ${generation}`;
      const base = nameOfBase(each.against);
      const isWorse = each.excludesZero && (each.delta ?? 0) < 0;
      return {
        name: 'interleaving',
        passed: true,
        value: each.delta,
        threshold: null,
        detail: `preference for ${own} over ${base} by clicks ${showPreference(each, own)}; ${showVotes(each, own)}; ${each.from} to ${each.to}`,
        remedy: isWorse
          ? `People prefer ${base}: look at what they search for before reads move on; \`pgvector-backfill rollback --execute\` ends the trial.`
          : null,
      };
    });
}
