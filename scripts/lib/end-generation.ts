/** `complete --generation` of one that reads have left, and `abandon`: its storage goes, the others stay as they are. */

import { reasonOf, refuse, tell, type Change } from '../../src/cli/change.ts';
import type { Invocation } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/load.ts';
import { backfillOf } from '../../src/config/values/generation-name.ts';
import type { Ending } from '../../src/cutover/generation/end-generation.ts';
import type { EndingVerb } from '../../src/cutover/generation/in-use.ts';
import { recordRefusedEnd, withEnding } from '../../src/cutover/generation/with-ending.ts';
import { planLines } from '../../src/cutover/planned-steps.ts';
import type { Pool } from '../../src/db/pool.ts';
import { configOf } from '../../src/ledger/generation/choose.ts';
import { allGenerations } from '../../src/ledger/generation/generation.ts';
import { bytes as showBytes } from '../../src/observability/format.ts';

export interface EndingAsked {
  pool: Pool;
  /** As it was loaded, of the whole backfill. */
  config: Config;
  generation: number;
  action: EndingVerb;
  override: string | null;
}

export async function endGeneration(invocation: Invocation, asked: EndingAsked): Promise<number> {
  const { pool, action, generation } = asked;
  const execute = invocation.flags['execute'] === true;
  const reason = reasonOf(invocation);
  const backfill = backfillOf(asked.config.backfill);
  const all = await allGenerations(pool, backfill);
  const known = all.find((each) => each.generation === generation);
  const change = { action, backfill, generation, to: 'dropped', executed: execute, reason };
  if (known?.isDropped === true)
    return tell(invocation, { ...change, from: 'dropped', plan: [], notes: [], steps: [], bytes: null });
  const shown = ({ steps, notes, bytes, freed }: Ending): Change & Record<string, unknown> => ({
    ...change,
    from: known?.run?.state ?? 'planned',
    plan: planLines(steps),
    notes: [...steps.flatMap((step) => step.notes), ...notes],
    steps: steps.map(({ name, actions }) => ({ name, actions })),
    bytes: { ...bytes, freed: execute ? freed : null },
  });
  const config = await configOf(pool, asked.config, generation);
  const logger = invocation.logger(config.settings.logLevel);
  return withEnding({ ...asked, config, reason, logger }, async (planned, run) => {
    const { refusal } = planned;
    if (refusal !== null) {
      const said = `generation ${generation} of ${backfill} is still wanted: ${refusal.reason}`;
      if (execute) await recordRefusedEnd(pool, { config, action }, refusal.reason);
      const { code, remedy } = refusal;
      return refuse(invocation, { ...shown(planned), executed: false, reason: said }, { code, remedy });
    }
    if (!execute) return tell(invocation, shown(planned));
    const done = await run();
    const code = tell(invocation, shown(done));
    invocation.say(`Came back: ${showBytes(done.freed.index + done.freed.staging)}.`);
    return code;
  });
}
