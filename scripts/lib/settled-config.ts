/** The configuration of a tool as any verb would have it: from variables, with the model used as its files say. */

import { loadConfig, type Config, type LoadInput } from '../../src/config/load.ts';
import { usedConfig } from '../../src/embedding/usage/usage.ts';

export const settledConfig = async (
  input: Pick<LoadInput, 'env' | 'cwd'> & Partial<LoadInput>,
): Promise<Config> => usedConfig(await loadConfig({ flags: {}, ...input }));
