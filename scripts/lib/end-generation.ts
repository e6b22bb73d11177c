/** `complete --generation` of one that reads have left, and `abandon`: its storage goes, the others stay as they are. */

import { reasonOf, refuse, tell, type Change } from '../../src/cli/change.ts';
import type { Invocation } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/load.ts';
import { backfillOf, generationName } from '../../src/config/values/generation-name.ts';
import { currentUser } from '../../src/cutover/current-user.ts';
import { planEnding, type Ending } from '../../src/cutover/generation/end-generation.ts';
import type { EndingVerb } from '../../src/cutover/generation/in-use.ts';
import { planLines, runSteps } from '../../src/cutover/planned-steps.ts';
import { rollbackTarget } from '../../src/cutover/rollback-target.ts';
import type { Pool } from '../../src/db/pool.ts';
import { recordEvent } from '../../src/ledger/event/event.ts';
import { configOf } from '../../src/ledger/generation/choose.ts';
import { allGenerations } from '../../src/ledger/generation/generation.ts';
import { bytes as showBytes } from '../../src/observability/format.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { withSchemaLeases } from '../../src/planning/schema-lease.ts';

export interface EndingAsked {
  pool: Pool;
  /** As it was loaded, of the whole backfill. */
  config: Config;
  generation: number;
  action: EndingVerb;
  override: string | null;
}

export async function endGeneration(invocation: Invocation, asked: EndingAsked): Promise<number> {
  const { pool, action, generation, override } = asked;
  const execute = invocation.flags['execute'] === true;
  const reason = reasonOf(invocation);
  const backfill = backfillOf(asked.config.backfill);
  const name = generationName({ backfill, generation });
  const all = await allGenerations(pool, backfill);
  const known = all.find((each) => each.name === name);
  const change = { action, backfill, generation, to: 'dropped', executed: execute, reason };
  if (known?.isDropped === true)
    return tell(invocation, { ...change, from: 'dropped', plan: [], notes: [], steps: [], bytes: null });
  const config = await configOf(pool, asked.config, generation);
  const { settings } = config;
  const address = await prepareQueues(config, pool, invocation.logger(settings.logLevel));
  return withQueues(address, async (queues) => {
    const plan = async (): Promise<Ending> =>
      planEnding({
        pool,
        ...(await rollbackTarget(pool, name, settings)),
        settings,
        queues,
        reason,
        action,
        override,
      });
    const shown = (ending: Ending): Change & Record<string, unknown> => ({
      ...change,
      from: known?.run?.state ?? 'planned',
      plan: planLines(ending.steps),
      notes: [...ending.steps.flatMap(({ notes }) => notes), ...ending.notes],
      steps: ending.steps.map(({ name: of, actions }) => ({ name: of, actions })),
      bytes: { ...ending.bytes, freed: execute ? ending.freed : null },
    });
    const planned = await plan();
    const { refusal } = planned;
    if (refusal !== null) {
      const said = `generation ${generation} of ${backfill} is still wanted: ${refusal.reason}`;
      if (execute) await recordRefusal(pool, name, action, refusal.reason);
      const { code, remedy } = refusal;
      return refuse(invocation, { ...shown(planned), executed: false, reason: said }, { code, remedy });
    }
    if (!execute) return tell(invocation, shown(planned));
    const done = await withSchemaLeases(
      pool,
      all.map((each) => each.name),
      action,
      async () => {
        // Again: whoever held the lease before may have changed what there is.
        const ending = await plan();
        await runSteps(ending.steps);
        return ending;
      },
    );
    const code = tell(invocation, shown(done));
    invocation.say(`Came back: ${showBytes(done.freed.index + done.freed.staging)}.`);
    return code;
  });
}

async function recordRefusal(pool: Pool, backfill: string, action: EndingVerb, why: string): Promise<void> {
  await recordEvent(pool, {
    backfill,
    run: null,
    level: 'warn',
    kind: 'generation.refused',
    message: `${action}: ${why}`,
    detail: { by: await currentUser(pool) },
  });
}
