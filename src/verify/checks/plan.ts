import type { Target } from '../../table/backfill-target.ts';
import type { Check } from '../check.ts';
import { PLAN_REASONS } from '../measures/plan-reason.ts';
import type { PlanResult } from '../measures/plan.ts';

/** A plan without the index passes where the index could serve the query and the planner knows a cheaper, exact way. */
export function planCheck(plan: PlanResult, target: Target): Check {
  const { why, remedy } = PLAN_REASONS[plan.reason];
  const passed = plan.usesIndex && remedy === null;
  const { hit, read } = plan.buffers;
  const cost =
    plan.cost.forced === null
      ? ''
      : `; cost ${plan.cost.planned.toFixed(0)}, by the index ${plan.cost.forced.toFixed(0)}`;
  return {
    name: plan.filter === null ? 'plan' : `plan:${plan.filter}`,
    passed,
    value: plan.node,
    threshold: target.indexName,
    detail: `${why}${cost}; ${plan.rows} rows in ${plan.executionMs.toFixed(2)} ms, ${hit + read} pages (${read} not cached)`,
    remedy,
  };
}
