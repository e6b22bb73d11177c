/** A model's configuration, where no library reads it: nothing of it goes into a vector. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelConfig } from '../../../src/embedding/model-files/config.ts';
import type { ModelLocation } from '../../../src/embedding/model-files/files.ts';

/** @throws Error where it cannot be read */
export async function readModelConfig({ folder }: ModelLocation): Promise<ModelConfig> {
  return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as ModelConfig;
}
