/** The cheapest settings of the index that reach the wanted recall. */

import { optionName } from '../../config/option-name.ts';
import type { IterativeScan, ReadSettings } from '../../ledger/reads/read-settings.ts';
import type { Check } from '../check.ts';
import { readSettings, type Curve, type CurvePoint, type CurveSeries } from './recall-curve.ts';

export interface Recommendation {
  /** To set for reads. */
  settings: ReadSettings;
  /** Of the series that is worst with them. */
  recall: number;
  low: number;
  /** Of the plain query on rows. */
  p50Ms: number;
  /** Filters that do not reach the target with any setting; the others and the plain query do. */
  filtersBelow: string[];
}

/** A Wilson interval wider than this leaves open which setting it should be. */
const WIDE = 0.05;
const ENOUGH_QUERIES = 30;
/** Of verify.samples. */
const MAX_SAMPLES = 10_000;
/**
 * In the order of preference at equal cost: strict keeps the order of distances. `off` is measured and never chosen: where
 * the first candidates are enough, the others do no more than it.
 */
const CHOICES: readonly IterativeScan[] = ['strict_order', 'relaxed_order'];

/**
 * The smallest value with which the lower end of every series' interval reaches `target`; where a filter never does,
 * that of the rest. @returns null where the plain query does not reach it
 */
export function recommend(curve: Curve, target: number): Recommendation | null {
  const filters = [...new Set(curve.series.map(({ filter }) => filter))];
  const below = filters.filter(
    (filter) => filter !== null && cheapest(curve, target, (series) => series.filter === filter) === null,
  ) as string[];
  const found = cheapest(curve, target, ({ filter }) => filter === null || !below.includes(filter));
  return found === null ? null : { ...found, filtersBelow: below };
}

function cheapest(
  curve: Curve,
  target: number,
  counts: (series: CurveSeries) => boolean,
): Omit<Recommendation, 'filtersBelow'> | null {
  const series = curve.series.filter((each) => counts(each));
  const scans = CHOICES.filter((scan) => series.some(({ iterativeScan }) => iterativeScan === scan));
  for (const value of series[0]?.points.map((point) => point.value) ?? []) {
    for (const scan of scans.length === 0 ? [null] : scans) {
      const used = series.filter(({ iterativeScan }) => iterativeScan === null || iterativeScan === scan);
      const points = used.map(({ points }) => points.find((point) => point.value === value) as CurvePoint);
      const worst = points.toSorted((a, b) => a.low - b.low)[0];
      if (worst === undefined || worst.low < target) continue;
      return {
        settings: readSettings(curve.setting, value, scan),
        recall: worst.recall,
        low: worst.low,
        p50Ms: points[0]?.p50Ms ?? 0,
      };
    }
  }
  return null;
}

export function curveCheck(curve: Curve, target: number, found: Recommendation | null): Check {
  const asked = (source: CurveSeries['source']): number =>
    curve.series.find((series) => series.source === source)?.queries ?? 0;
  const plain = curve.series.filter(({ filter }) => filter === null);
  const best = Math.max(...plain.flatMap(({ points }) => points.map(({ recall }) => recall)));
  const width = Math.max(
    ...plain.map(({ points }) => (points.at(-1)?.high ?? 1) - (points.at(-1)?.low ?? 0)),
  );
  const few = asked('rows') < ENOUGH_QUERIES || width > WIDE;
  const more = found === null && best >= target ? moreQueries(plain, target) : null;
  const shown =
    found === null
      ? null
      : Object.entries(found.settings)
          .map(([name, value]) => `${name} = ${value}`)
          .join(', ');
  return {
    name: 'recall-curve',
    passed: found !== null || best >= target,
    value: shown,
    threshold: target,
    detail: `${
      found === null
        ? `no setting reaches the target with its whole interval; the best is ${best.toFixed(3)}`
        : `cheapest setting whose interval reaches the target: recall ${found.recall.toFixed(3)}, at least ${found.low.toFixed(3)}, median ${found.p50Ms.toFixed(2)} ms`
    }; ${asked('rows')} rows and ${asked('queries')} queries, ${curve.series.length} curves`,
    remedy: advice(found, few, best >= target, more),
  };
}

/**
 * With how many the interval of what is found would reach the target, by the square root law; null where that is more than
 * can be asked for, as what is found is the target itself, or little more.
 */
function moreQueries(plain: readonly CurveSeries[], target: number): number | null {
  const wanted = plain.map(({ points, queries }) => {
    const [best] = points.toSorted((a, b) => b.low - a.low);
    if (best === undefined || best.recall <= target) return Infinity;
    return queries * ((best.recall - best.low) / (best.recall - target)) ** 2;
  });
  const most = Math.ceil(Math.max(...wanted) / 10) * 10;
  return most <= MAX_SAMPLES ? most : null;
}

function advice(
  found: Recommendation | null,
  few: boolean,
  within: boolean,
  more: number | null,
): string | null {
  const parts = [];
  if (more !== null)
    parts.push(`Raise ${optionName('verify.samples')} to ${more}: with so few queries nobody can tell.`);
  else if (few)
    parts.push(
      `Too few queries to tell settings apart: raise ${optionName('verify.samples')} to ${ENOUGH_QUERIES} or more.`,
    );
  if (found === null && !within)
    parts.push(
      `Build the index with larger ${optionName('index.m')} and ${optionName('index.efConstruction')}, or more ${optionName('index.lists')} and probes, or lower ${optionName('verify.recall')}.`,
    );
  if (found !== null && found.filtersBelow.length > 0)
    parts.push(
      `No setting of the index reaches the target with ${found.filtersBelow.join(', ')}. That matters where the planner takes the index for them (the checks plan:… tell; an exact path does not mind): build a partial index, or raise hnsw.max_scan_tuples.`,
    );
  return parts.length === 0 ? null : parts.join(' ');
}
