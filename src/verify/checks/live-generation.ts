/** What a generation is against the one by which reads go. */

import { optionName } from '../../config/option-name.ts';
import { signedDecimal } from '../../observability/format.ts';
import type { Settings } from '../../config/settings.ts';
import { parseGenerationName } from '../../config/values/generation-name.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Run } from '../../ledger/run/run.ts';
import { lastLiveRelevance, type LiveRelevance } from '../../ledger/verification/live-relevance.ts';
import type { Check } from '../check.ts';
import type { ComparedGeneration } from '../live/compared-generation.ts';
import type { LiveFigures } from '../measures/live.ts';

export interface LiveInput {
  compared: ComparedGeneration;
  /** Null where it was not measured. */
  live: LiveFigures | null;
  /** Why it was left out although it was to be measured; null where it was not. */
  leftOut: string | null;
}

export async function liveChecks(
  db: Queryable,
  run: Run,
  settings: Settings,
  input: LiveInput | null,
): Promise<Check[]> {
  if (input === null) return [];
  return [
    ...comparisonCheck(input),
    ...(await lossCheck(db, run, settings, input)),
    ...latencyToLiveCheck(settings, input),
  ];
}

const nameOf = ({ compared }: LiveInput): string =>
  `generation ${compared.generation.generation}${compared.answersReads ? ', which answers reads' : ''}`;

/** Only told: which of two differing answers is right, judged queries tell. */
function comparisonCheck(input: LiveInput): Check[] {
  const { live, leftOut } = input;
  if (live === null && leftOut === null) return [];
  return [
    {
      name: 'live-generation',
      passed: true,
      value: live?.overlap ?? null,
      threshold: null,
      detail:
        live === null
          ? `NOT compared with ${nameOf(input)}: ${leftOut}`
          : `against ${nameOf(input)} (${live.model}, ${live.dimensions} dimensions): ${figuresOf(live)}`,
      remedy:
        live === null
          ? `Run \`pgvector-backfill verify\` where the models of both generations are, with ${optionName('model.localPath')} or ${optionName('model.earlierApiKey')} for them.`
          : null,
    },
  ];
}

function figuresOf({ k, overlap, queries, mode, recallAt10, latency, relevance }: LiveFigures): string {
  return [
    `overlap@${k} of ${mode} answers ${overlap.toFixed(3)} over ${queries} queries`,
    ...(recallAt10 === null ? [] : [`recall@10 of its index ${recallAt10.toFixed(3)}`]),
    ...(latency === null
      ? []
      : [`p95 ${latency.own.p95Ms.toFixed(2)} ms against ${latency.live.p95Ms.toFixed(2)} ms`]),
    ...(relevance?.difference ? [differenceOf(relevance)] : []),
  ].join(', ');
}

function differenceOf({ own, live, difference, queries }: LiveRelevance): string {
  const interval =
    difference === null ? '' : ` [${signedDecimal(difference.low)}, ${signedDecimal(difference.high)}]`;
  return `nDCG@10 ${own?.toFixed(3)} against ${live?.toFixed(3)} over ${queries} judged queries: ${signedDecimal(difference?.value ?? 0)}${interval}`;
}

/** Where it is demanded: the whole interval of the difference must lie above what may be lost. */
async function lossCheck(db: Queryable, run: Run, settings: Settings, input: LiveInput): Promise<Check[]> {
  const { maxLossToLive } = settings.verify;
  const { compared, live } = input;
  if (maxLossToLive === undefined || !compared.answersReads) return [];
  // One without judged queries does not take back what one with them has found.
  const stored =
    live?.relevance?.difference || compared.generation.run === null
      ? null
      : await lastLiveRelevance(db, run, compared.generation.run.id);
  const relevance = live?.relevance ?? stored?.relevance ?? null;
  const low = relevance?.difference?.low ?? null;
  // What lies at the limit is within it; the stored figure has gone through JSON.
  const passed = low !== null && low >= -maxLossToLive - 1e-12;
  const since = stored === null ? '' : `verification ${stored.id} has measured it: `;
  return [
    {
      name: 'relevance-to-live',
      passed,
      value: low,
      threshold: -maxLossToLive,
      detail:
        relevance === null || low === null
          ? `not measured against ${nameOf(input)}: there were no judged queries`
          : `lower end of the difference to ${nameOf(input)}; ${since}${differenceOf(relevance)}`,
      remedy: passed ? null : lossRemedy(run, low !== null),
    },
  ];
}

function lossRemedy({ backfill }: Run, measured: boolean): string {
  const { generation } = parseGenerationName(backfill);
  return measured
    ? `Judge more queries, which makes the interval narrower, or use another model by ${optionName('model.name')}; or accept more by ${optionName('verify.maxLossToLive')}.`
    : `Run \`pgvector-backfill verify --generation ${generation} --queries FILE --judgements FILE\`, or with --judged for what was judged on the dashboard; or unset ${optionName('verify.maxLossToLive')}.`;
}

/** As `latency-p95`: where latency was measured, and a limit is set. */
function latencyToLiveCheck({ verify }: Settings, input: LiveInput): Check[] {
  const { live, compared } = input;
  if (verify.maxLatencyToLive === undefined || !compared.answersReads || !live?.latency) return [];
  const { own, live: other, ratioP95 } = live.latency;
  const passed = ratioP95 === null || ratioP95 <= verify.maxLatencyToLive;
  return [
    {
      name: 'latency-to-live',
      passed,
      value: ratioP95,
      threshold: verify.maxLatencyToLive,
      detail: `p95 of embedding a query and searching: ${own.p95Ms.toFixed(2)} ms, ${other.p95Ms.toFixed(2)} ms in ${nameOf(input)}`,
      remedy: passed
        ? null
        : `See in the latency which part takes the time: a smaller model, or one of 8 bits by ${optionName('model.dtype')}, for embedding; memory for the index, or a smaller ef_search, for the search; or raise ${optionName('verify.maxLatencyToLive')}.`,
    },
  ];
}
