/** A model's configuration, where no library reads it: nothing of it goes into a vector. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelLocation } from '../../../src/embedding/model-files/files.ts';

/** @throws Error where it cannot be read */
export async function readModelConfig({ folder }: ModelLocation): Promise<void> {
  JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
}
