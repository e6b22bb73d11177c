/** Whether what is verified is what the run was planned for: the same options, and the same table. */

import type { Settings } from '../../config/settings.ts';
import { modelDifference, modelFacts } from '../../embedding/open-embedder.ts';
import { doubtfulDimensions } from '../../embedding/usage/asked-dimensions.ts';
import { contradictions, usageWords } from '../../embedding/usage/usage-words.ts';
import { usageOf } from '../../embedding/usage/usage.ts';
import { GateError } from '../../errors.ts';
import type { Run } from '../../ledger/run/run.ts';
import { TABLE_REMEDY, tableFault } from '../../ledger/run/run-target.ts';
import { scopeDifference } from '../../ledger/run/scope.ts';
import type { Check } from '../check.ts';
import type { VerifyInput } from '../input.ts';

/** In words, what is set otherwise than the run was planned for; null where nothing is. */
function optionsDifference(run: Run, settings: Settings): string | null {
  const model =
    Object.keys(run.embedding).length === 0 ? null : modelDifference(run.embedding, modelFacts(settings));
  const differences = [scopeDifference(run.scope, settings), model].filter((each) => each !== null);
  return differences.length === 0 ? null : differences.join('; ');
}

/** @throws GateError naming what differs: with other options nothing can be said of the run, good or bad */
export function assertPlannedOptions(run: Run, settings: Settings): void {
  const difference = optionsDifference(run, settings);
  if (difference === null) return;
  throw new GateError(`Run ${run.id} was planned for other options: ${difference}.`, {
    code: 'RUN_OPTIONS',
    remedy: OPTIONS_REMEDY,
  });
}

const OPTIONS_REMEDY =
  'Verify with the options of the last `enqueue`, or run `pgvector-backfill enqueue`, which plans a run for these.';

export async function checkRun({ pool, run, settings }: VerifyInput): Promise<Check[]> {
  const difference = optionsDifference(run, settings);
  const same = difference === null;
  const fault = await tableFault(pool, run);
  return [
    {
      name: 'options',
      passed: same,
      value: null,
      threshold: null,
      detail: same
        ? `those that run ${run.id} was planned for`
        : `others than run ${run.id} was planned for: ${difference}`,
      remedy: same ? null : OPTIONS_REMEDY,
    },
    {
      name: 'table',
      passed: fault === null,
      value: null,
      threshold: null,
      detail: fault ?? `the one that run ${run.id} was planned for`,
      remedy: fault === null ? null : TABLE_REMEDY,
    },
    modelUse(settings),
  ];
}

/** Only told: how much a model used otherwise loses is what relevance says. */
export function modelUse(settings: Settings): Check {
  const used = usageOf(settings);
  const doubtful = doubtfulDimensions(settings);
  const otherwise = [
    ...contradictions(used).map(({ words }) => words),
    ...(doubtful === null ? [] : [doubtful]),
  ];
  return {
    name: 'model-use',
    passed: true,
    value: null,
    threshold: null,
    detail: usageWords(used),
    remedy:
      otherwise.length === 0
        ? null
        : `${otherwise.join('; ')}: leave out what you have not measured to find more (\`pgvector-backfill compare-models\`).`,
  };
}
