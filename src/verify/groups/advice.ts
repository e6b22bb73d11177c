/** What would mend searches within groups, by what was measured. */

import type { ReadSettings } from '../../ledger/reads/read-settings.ts';
import type { CopyEffect } from './copy-effect.ts';
import { isGood, type Figures } from './group-figures.ts';
import type { DecileFigures } from './measure-deciles.ts';

export interface GroupAdvice {
  kind: 'settings' | 'column-index' | 'partial-index' | 'partitions';
  /** In words, with the figures. */
  detail: string;
  /** To be run by the operator, in a place of their choosing; null where there is nothing to type. */
  sql: string | null;
}

export interface AdviceInput {
  deciles: readonly DecileFigures[];
  copy: CopyEffect | null;
  /** Recall that is wanted. */
  recall: number;
  /** Quoted table and column. */
  table: string;
  column: string;
  isIndexed: boolean;
}

/** From here on an index of a group's own is worth its upkeep; below, comparing every row of it is as quick. */
const LARGE_ROWS = 10_000;
/** A quicker answer is told of from here on. */
const QUICKER = 1.5;
/** A small group's rows one by one, against what a search within one takes. */
const MUCH_QUICKER = 5;
/** What takes less is nothing to mend. */
const SLOW_MS = 5;
/** So many large groups are more than anybody makes partial indexes for. */
const MANY_LARGE = 20;

export function adviseGroups(input: AdviceInput): GroupAdvice[] {
  return [...settingsAdvice(input), ...columnAdvice(input), ...ownIndexAdvice(input)];
}

const show = ({ recall, low, high, found, wanted, p50Ms }: Figures): string =>
  `recall ${recall.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], ${found.toFixed(1)} of ${wanted.toFixed(1)} hits, p50 ${p50Ms.toFixed(2)} ms`;

const showSettings = (settings: ReadSettings): string =>
  Object.entries(settings)
    .filter(([name]) => !name.endsWith('ef_search') && !name.endsWith('probes'))
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');

const showDeciles = (deciles: readonly number[]): string =>
  deciles.length === 1 ? `decile ${deciles[0]}` : `deciles ${deciles.join(', ')}`;

/** The first, and so the cheapest, settings that mend each decile by the vector index. */
function settingsAdvice({ deciles, recall }: AdviceInput): GroupAdvice[] {
  const by = new Map<string, { settings: ReadSettings; deciles: DecileFigures[] }>();
  for (const decile of deciles) {
    if (decile.served === null || isGood(decile.served, recall)) continue;
    const mended = decile.variants.find((each) => isGood(each, recall));
    if (mended === undefined) continue;
    const name = showSettings(mended.settings);
    const known = by.get(name) ?? { settings: mended.settings, deciles: [] };
    known.deciles.push(decile);
    by.set(name, known);
  }
  return [...by].map(([name, { deciles: mended }]) => {
    const worst = mended[0] as DecileFigures;
    const after = worst.variants.find((each) => showSettings(each.settings) === name) as Figures;
    return {
      kind: 'settings',
      detail: `${name} mends ${showDeciles(mended.map(({ decile }) => decile))}; in the first of them: ${show(worst.served as Figures)} → ${show(after)}`,
      sql: name
        .split(', ')
        .map((each) => `SET LOCAL ${each};`)
        .join(' '),
    };
  });
}

/** Small groups are compared row by row, exactly, once they are found without reading the table. */
function columnAdvice({ deciles, copy, recall, table, column, isIndexed }: AdviceInput): GroupAdvice[] {
  const isWrong = deciles.some(
    ({ served, leftOut }) => leftOut !== null || (served !== null && !isGood(served, recall)),
  );
  const slowest = Math.max(0, ...deciles.map(({ served }) => served?.p50Ms ?? 0));
  const isSlow =
    slowest >= SLOW_MS && copy?.small != null && copy.small.column.p50Ms * MUCH_QUICKER < slowest;
  if (isIndexed || !(isWrong || isSlow)) return [];
  const measured =
    copy === null || copy.small === null
      ? ''
      : `; searches within a group take up to ${slowest.toFixed(2)} ms (p50) now; within ${copy.small.rows} rows of a copy of ${copy.rows}: ${show(copy.small.whole)} by the vector index → ${show(copy.small.column)}`;
  return [
    {
      kind: 'column-index',
      detail: `no ordinary index begins with the column: with one the planner compares the rows of a small group one by one, which is exact${measured}`,
      sql: `CREATE INDEX CONCURRENTLY ON ${table} (${column});`,
    },
  ];
}

/** An index of a large group's own, by itself or in a partition. */
function ownIndexAdvice({ deciles, copy, recall, table, column }: AdviceInput): GroupAdvice[] {
  const large = deciles.filter(({ maxRows }) => maxRows >= LARGE_ROWS);
  if (copy === null || large.length === 0) return [];
  const { whole, own } = copy;
  const isBetter =
    own.recall > whole.recall + 0.005 || own.short < whole.short || own.p50Ms * QUICKER < whole.p50Ms;
  const isWanted =
    large.some(({ served }) => served !== null && !isGood(served, recall)) ||
    own.p50Ms * QUICKER < whole.p50Ms;
  if (!isBetter || !isWanted) return [];
  const groups = large.reduce((sum, each) => sum + (each.minRows >= LARGE_ROWS ? each.groups : 1), 0);
  const measured = `on a copy of ${copy.rows} rows, ${copy.groupRows} of them of the largest group: ${show(whole)} by the index of all rows → ${show(own)} by one of its rows alone`;
  if (groups < MANY_LARGE)
    return [
      {
        kind: 'partial-index',
        detail: `a partial index for each of the large groups (${LARGE_ROWS} rows or more; about ${groups} of them): ${measured}. A search has to say the very same condition, with the value itself and not as a parameter of a prepared statement`,
        sql: `SELECT ${column}, count(*) FROM ${table} GROUP BY 1 HAVING count(*) >= ${LARGE_ROWS} ORDER BY 2 DESC;`,
      },
    ];
  return [
    {
      kind: 'partitions',
      detail: `there are many large groups (${LARGE_ROWS} rows or more; about ${groups} of them): partitions by the column, by LIST where a few are much larger than the others, else by HASH, each with an index of its own: ${measured} (a partition by HASH holds several groups: its index lies between the two)`,
      sql: null,
    },
  ];
}
