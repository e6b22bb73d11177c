/** Whether what is verified is what the run was planned for: the same options, and the same table. */

import { modelDifference, modelFacts } from '../embedding/configured.ts';
import { TABLE_REMEDY, tableFault } from '../ledger/run-target.ts';
import { scopeDifference } from '../ledger/scope.ts';
import type { Check } from './check.ts';
import type { VerifyInput } from './verify.ts';

export async function checkRun({ pool, run, settings }: VerifyInput): Promise<Check[]> {
  const model =
    Object.keys(run.embedding).length === 0 ? null : modelDifference(run.embedding, modelFacts(settings));
  const differences = [scopeDifference(run.scope, settings), model].filter((each) => each !== null);
  const same = differences.length === 0;
  const fault = await tableFault(pool, run);
  return [
    {
      name: 'options',
      passed: same,
      value: null,
      threshold: null,
      detail: same
        ? `those that run ${run.id} was planned for`
        : `others than run ${run.id} was planned for: ${differences.join('; ')}`,
      remedy: same
        ? null
        : 'Verify with the options of the last `enqueue`, or run `npm run enqueue`, which plans a run for these.',
    },
    {
      name: 'table',
      passed: fault === null,
      value: null,
      threshold: null,
      detail: fault ?? `the one that run ${run.id} was planned for`,
      remedy: fault === null ? null : TABLE_REMEDY,
    },
  ];
}
