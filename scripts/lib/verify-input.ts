import type { Invocation } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { presentGenerations } from '../../src/ledger/generation/generation.ts';
import { requireRun } from '../../src/ledger/run/require-run.ts';
import { assertPlannedOptions } from '../../src/verify/checks/run.ts';
import { assertStagingTable } from '../../src/verify/checks/staging-table.ts';
import type { VerifyInput } from '../../src/verify/input.ts';
import { ownSettings, settingsOf } from './generation-model.ts';

/** @param asked as it was given, `config` that of the generation that is meant. @throws ConfigError, GateError where it cannot be verified */
export async function verifyInput(
  invocation: Invocation,
  pool: Pool,
  asked: Config,
  config: Config,
): Promise<Omit<VerifyInput, 'queryInput'>> {
  const run = await requireRun(pool, config.backfill);
  const settings = await ownSettings(await presentGenerations(pool, config.backfill), asked, config);
  assertPlannedOptions(run, settings);
  const target = await describeTarget(pool, config.backfill, settings);
  await assertStagingTable(pool, target);
  return {
    pool,
    target,
    settings,
    run,
    openEmbedder: () => invocation.openEmbedder(settings, 1),
    async openGeneration(generation) {
      const its = await settingsOf(asked.settings, generation);
      return { settings: its, openEmbedder: () => invocation.openEmbedder(its, 1) };
    },
  };
}
