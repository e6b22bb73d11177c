/** Where reads are, and how they went, for `status`. */

import type { ProgressSnapshot } from '../ledger/progress/snapshot.ts';
import { nameOfBase, showPreference, showVotes } from '../ledger/reads/interleaving-words.ts';
import { showReadChoice } from '../ledger/reads/read-mode.ts';
import { triedNames } from '../ledger/reads/tried-names.ts';
import { count, percent } from '../observability/format.ts';

export function readLines({
  generation,
  readMode,
  shadow,
  canary,
  interleaving,
}: Pick<ProgressSnapshot, 'generation' | 'readMode' | 'shadow' | 'canary' | 'interleaving'>): string[] {
  const { since, by } = readMode;
  const { base, own, isTried } = triedNames(readMode, generation);
  const ms = ({ p50, p95 }: { p50: number | null; p95: number | null }): string =>
    p50 === null || p95 === null ? '-' : `${p50.toFixed(1)} / ${p95.toFixed(1)} ms`;
  const asked = shadow.searches + shadow.errors + shadow.timeouts + shadow.skipped;
  return [
    `reads    ${showReadChoice(readMode)}${since === null ? '' : ` since ${since}`}${by === null ? '' : ` by ${by}`}`,
    ...(asked === 0
      ? readMode.mode === 'shadow' && isTried
        ? ['shadow   no search of an application was compared yet']
        : []
      : [
          `shadow   ${count(shadow.searches)} compared, ${count(shadow.errors)} errors, ${count(shadow.timeouts)} timeouts, ${count(shadow.skipped)} skipped; overlap ${percent(shadow.overlap ?? 0)}, rank correlation ${(shadow.rankCorrelation ?? 0).toFixed(3)}; p50 / p95: ${base} ${ms(shadow.legacyMs)}, ${own} ${ms(shadow.vectorMs)}`,
        ]),
    ...(canary.vector + canary.legacy === 0
      ? []
      : [
          `canary   ${count(canary.vector)} answered by ${own === 'vector' ? 'vectors' : own}, ${count(canary.legacy)} by ${base === 'legacy' ? 'the legacy search' : base}, ${count(canary.errors)} of them for an error`,
        ]),
    ...interleaving.flatMap((each) => {
      const name = each.against === 'legacy' ? 'vector' : `generation ${generation}`;
      return [
        `clicks   ${name} with ${nameOfBase(each.against)}: preference ${showPreference(each, name)}`,
        `         ${showVotes(each, name)}`,
      ];
    }),
    ...(interleaving.length === 0 && readMode.mode === 'interleave' && isTried
      ? ['clicks   no answer was interleaved yet']
      : []),
  ];
}
