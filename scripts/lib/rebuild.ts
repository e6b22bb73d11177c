import type { Config } from '../../src/config/load.ts';
import type { Invocation } from '../../src/cli/command.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { watchRebuild } from '../../src/cli/watch-rebuild.ts';
import { parseGenerationName } from '../../src/config/values/generation-name.ts';
import type { Pool } from '../../src/db/pool.ts';
import { GateError } from '../../src/errors.ts';
import { indexParts } from '../../src/finalize/build/rebuild.ts';
import { findIndex, wantedIndex } from '../../src/finalize/index-definition.ts';
import { indexOf } from '../../src/finalize/rebuild.ts';
import { INDEXED_STATES } from '../../src/ledger/run/run.ts';
import { requireRun } from '../../src/ledger/run/require-run.ts';
import { targetOfRun } from '../../src/ledger/run/run-target.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { bytes } from '../../src/observability/format.ts';
import { prepareQueues, withQueues } from '../../src/planning/open-queues.ts';
import { addRebuildJob } from '../../src/queue/jobs/producer.ts';

/** `finalize --rebuild`: a worker builds the index of the live generation again, beside the present one. */
export async function askForRebuild(
  invocation: Invocation,
  pool: Pool,
  config: Config,
  logger: Logger,
): Promise<number> {
  const { backfill } = config;
  const run = await requireRun(pool, backfill);
  const { target, settings } = await targetOfRun(pool, run, config.settings);
  const wanted = wantedIndex(target, settings, 0);
  const { kind } = await findIndex(pool, target, wanted);
  if (!INDEXED_STATES.includes(run.state))
    throw new GateError(`Run ${run.id} is ${run.state}: its index is not built again.`, {
      code: 'NOT_READY',
      remedy: 'See `pgvector-backfill status`; the finalizer builds the index of a run that is on its way.',
    });
  if (kind !== 'valid')
    throw new GateError(
      kind === 'other'
        ? `Index ${wanted.name} is not of the definition that the options have: it is not built again.`
        : `There is no valid index ${wanted.name} to build again.`,
      {
        code: 'INDEX_NOT_THERE',
        remedy: 'Run `pgvector-backfill finalize`, which builds it, or says what is in the way.',
      },
    );
  const parts = await indexParts(pool, indexOf(target));
  const address = await prepareQueues(config, pool, logger);
  const size = parts.reduce((sum, part) => sum + part.bytes, 0);
  return withQueues(address, async ({ finalize: queue }) => {
    const oids = parts.map(({ oid }) => oid);
    const asked = await addRebuildJob(queue, run.uid, oids);
    const isWatched = invocation.flags['watch'] === true;
    const about = { ...parseGenerationName(backfill), run: run.id, asked };
    if (!isWatched)
      invocation.emit({ ...about, rebuild: { name: wanted.name, indexes: parts.length, bytes: size } });
    invocation.say(
      asked
        ? `Asked for ${wanted.name} to be built again (REINDEX INDEX CONCURRENTLY, ${parts.length === 1 ? '' : `${parts.length} indexes, `}${bytes(size)} now): searches go by the present one meanwhile, and it takes at most as much disk once more. A worker does it, then VACUUM, the gate and a pass of the watch; pgvector-backfill status shows how far it is.`
        : 'A rebuild is on its way already.',
    );
    return isWatched ? watchRebuild(invocation, pool, backfill, { queue, run: run.uid }) : EXIT.done;
  });
}
