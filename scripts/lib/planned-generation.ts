import type { Invocation } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { ConfigError, GateError } from '../../src/errors.ts';
import { isUsageNews } from '../../src/embedding/usage/usage-news.ts';
import type { Finding } from '../../src/planning/checks/finding.ts';
import { planGeneration, type PlannedGeneration } from '../../src/planning/generation/plan-generation.ts';

export const PLACE_FLAGS = {
  beside: {
    type: 'boolean',
    help: 'With another model: as another generation beside the one that is there, also where no reads go by it',
  },
  'in-place': {
    type: 'boolean',
    help: 'With another model: over the vectors that are there, while no reads go by them',
  },
} as const;

/** Of `enqueue` and `doctor`. @throws ConfigError, GateError */
export async function plannedGeneration(
  invocation: Invocation,
  config: Config,
  pool: Pool,
): Promise<PlannedGeneration> {
  const [beside, inPlace] = [invocation.flags['beside'] === true, invocation.flags['in-place'] === true];
  if (beside && inPlace)
    throw new ConfigError('--beside and --in-place exclude each other.', {
      code: 'USAGE',
      remedy: 'Take one of them.',
    });
  // Only where it decides: whoever cannot open the model is told so by the checks.
  return planGeneration(pool, config, { beside, inPlace }, async () => {
    const embedder = await invocation.openEmbedder(config.settings, 1).catch((error: unknown) => {
      if (isUsageNews(error)) throw error;
      return null;
    });
    await embedder?.close();
    return embedder?.dimensions ?? null;
  }).catch((error: unknown) => {
    // What keeps the ledger from being read is told by the checks, with whatever else is wrong.
    if (error instanceof GateError && error.code !== 'SCHEMA_FOREIGN') throw error;
    return { config, generation: 1, beside: null };
  });
}

/** For `doctor`: what refuses `enqueue` is a finding, and the rest is looked at all the same. */
export async function diagnosedGeneration(
  invocation: Invocation,
  config: Config,
  pool: Pool,
): Promise<{ config: Config; findings: Finding[] }> {
  try {
    return { ...(await plannedGeneration(invocation, config, pool)), findings: [] };
  } catch (error) {
    if (!(error instanceof GateError)) throw error;
    const { message, remedy = '' } = error;
    return { config, findings: [{ level: 'error', check: 'generation', message, remedy }] };
  }
}
