/** A second generation beside the first, and the two small models in one folder, each under a name of its own. */

import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generationName } from '../../src/config/values/generation-name.ts';
import { withValues } from '../../src/config/shape.ts';
import type { OptionPath } from '../../src/config/options.ts';
import { testBackfill, type TestBackfill } from './backfill.ts';
import { sampleModel, type OwnModel } from './model.ts';

export interface TwoModels {
  first: OwnModel;
  second: OwnModel;
  /** Takes the second one's files away, or puts them back. */
  remove(): Promise<void>;
  restore(): Promise<void>;
}

export async function twoModels(): Promise<TwoModels> {
  const localPath = await mkdtemp(join(tmpdir(), 'models-'));
  const clean = (): Promise<void> => rm(localPath, { recursive: true, force: true });
  const named = (name: string, dimensions: 32 | 64): OwnModel => ({
    localPath,
    name,
    dimensions,
    remove: clean,
  });
  const link = ({ name, dimensions }: OwnModel): Promise<void> => {
    const { localPath: folder, name: sample } = sampleModel(dimensions as 32 | 64);
    return symlink(join(folder, sample), join(localPath, name));
  };
  const [first, second] = [named('first', 32), named('second', 64)];
  await link(first);
  await link(second);
  return {
    first,
    second,
    remove: () => rm(join(localPath, second.name)),
    restore: () => link(second),
  };
}

/** As `enqueue` would plan it: a backfill under test of its own, on the connections of the first. */
export function nextGeneration(
  first: TestBackfill,
  model: OwnModel,
  generation = 2,
  more: readonly (readonly [OptionPath, unknown])[] = [],
): TestBackfill {
  const { config, pool, env } = first;
  const settings = withValues(config.settings, [
    ['model.name', model.name],
    ['column', `embedding_${generation}`],
    ['updatedAtColumn', `embedding_${generation}_updated_at`],
    ...more,
  ]);
  const backfill = generationName({ backfill: config.backfill, generation });
  return testBackfill({ ...config, backfill, settings }, pool, env, () => Promise.resolve());
}
