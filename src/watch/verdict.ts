/** What a pass means: whether the index still gives what the gate has accepted, and if not, what would mend it. */

import { optionName } from '../config/option-name.ts';
import {
  worstRecall,
  type IndexWear,
  type WatchPoint,
  type WatchRecall,
  type WatchResult,
  type WatchVerdict,
} from '../ledger/passes/pass-result.ts';
import { count, percent } from '../observability/format.ts';

export interface Judged {
  verdict: WatchVerdict;
  /** In words, why. */
  detail: string;
  /** What to type; null where there is nothing to do. */
  remedy: string | null;
}

/** Of the entries that searches meet, or of the table's rows: below it vacuum alone keeps an index in order. */
const MUCH_DEAD = 0.1;
/** Times the size of an index of the present rows, or of the one that was built. */
const MUCH_LARGER = 1.5;

export const REBUILD = 'pgvector-backfill finalize --rebuild';

export function judge(result: WatchResult): Judged {
  const worst = worstRecall(result);
  const stale = result.freshness !== null && !result.freshness.passed;
  if (worst !== null && worst.high < result.wanted) return judgeLow(result, worst);
  if (stale)
    return {
      verdict: 'stale',
      detail: `stored vectors are not those of the present texts: ${result.freshness?.detail ?? ''}`,
      remedy:
        'Run `pgvector-backfill verify`, whose check freshness says more, and `pgvector-backfill enqueue`, which embeds what is not of the present text.',
    };
  if (worst === null)
    return {
      verdict: 'not-measured',
      detail: `no query could be asked: ${result.cutShort ?? 'no row has a vector'}`,
      remedy:
        result.cutShort === null
          ? null
          : `Raise ${optionName('watch.maxSeconds')}, or lower ${optionName('watch.maxRows')}.`,
    };
  if (worst.recall < result.wanted)
    return {
      verdict: 'unsure',
      detail: `${recallWords(result, worst)}: below, but within what chance does`,
      remedy: `The next passes tell; a larger ${optionName('watch.rows')} tells more of each.`,
    };
  return { verdict: 'good', detail: recallWords(result, worst), remedy: null };
}

function judgeLow(result: WatchResult, worst: WatchRecall): Judged {
  const why = recallWords(result, worst);
  const wear = wearOf(result);
  const fell = result.verified !== null && result.verified >= result.wanted;
  const reached = result.points.slice(1).find((point) => reaches(point, result.wanted));
  const settings = reached === undefined ? null : `${result.setting} = ${reached.value}`;
  const rebuild = `Run \`${REBUILD}\`: it builds the index again beside the present one (REINDEX INDEX CONCURRENTLY).`;
  if (wear.length > 0)
    return {
      verdict: 'rebuild',
      detail: `${why}; the index has worn out: ${wear.join(', ')}`,
      remedy: `${rebuild}${settings === null ? '' : ` Until then ${settings} reaches it, which \`pgvector-backfill verify\` finds and sets for reads.`}`,
    };
  if (settings !== null)
    return {
      verdict: 'settings',
      detail: `${why}; ${settings} reaches it, at ${msWords(reached)} in place of ${msWords(result.points[0])}`,
      remedy: 'Run `pgvector-backfill verify`: it finds the smallest value that does, and sets it for reads.',
    };
  if (fell)
    return {
      verdict: 'rebuild',
      detail: `${why}; it was ${result.verified?.toFixed(3)} when \`verify\` passed last, with the same settings`,
      remedy: rebuild,
    };
  return {
    verdict: 'low',
    detail: `${why}, and neither does ${result.points.at(-1)?.value ?? '-'}; nothing says that the index has worn out`,
    remedy: `Build another one with larger ${optionName('index.m')} and ${optionName('index.efConstruction')}, or more ${optionName('index.lists')}: set them, drop the index concurrently, and run \`pgvector-backfill finalize\`. Or lower ${optionName('verify.recall')}.`,
  };
}

const msWords = (point: WatchPoint | undefined): string => `${point?.p50Ms.toFixed(1) ?? '-'} ms`;

/** With every source that was asked. */
const reaches = ({ recall }: WatchPoint, wanted: number): boolean =>
  Object.values(recall).every((each) => each.recall >= wanted);

function recallWords({ setting, points, wanted }: WatchResult, { recall, low, high }: WatchRecall): string {
  return `recall@10 is ${recall.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}) at ${setting} = ${points[0]?.value ?? '-'}, and verify.recall is ${wanted}`;
}

/** In words, each thing that another build would take away. */
export function wearOf({ wear }: { wear: IndexWear }): string[] {
  const { liveRows, deadRows, deadEntries, indexBytes, forecastBytes, builtBytes } = wear;
  const share = deadRows / Math.max(1, deadRows + liveRows);
  const larger = (than: number | null): boolean =>
    than !== null && than > 0 && indexBytes > MUCH_LARGER * than;
  const found: string[] = [];
  if (deadEntries !== null && deadEntries >= MUCH_DEAD)
    found.push(`${percent(deadEntries)} of the entries that searches meet are of rows that are gone`);
  if (share >= MUCH_DEAD) found.push(`${count(deadRows)} dead rows beside ${count(liveRows)} live ones`);
  if (larger(forecastBytes))
    found.push(
      `it is ${(indexBytes / (forecastBytes ?? 1)).toFixed(1)} times as large as one of the present rows`,
    );
  else if (larger(builtBytes))
    found.push(`it is ${(indexBytes / (builtBytes ?? 1)).toFixed(1)} times as large as when it was built`);
  return found;
}
