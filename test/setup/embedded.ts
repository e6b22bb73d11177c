/** Embedded servers that begin with a cluster made once for the whole run of the tests. */

import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { inject } from 'vitest';
import { freshImage } from '../../src/embedded/engine.ts';
import { startEmbeddedServer, type EmbeddedServer } from '../../src/embedded/start.ts';

/** Made by whoever is first; where two are, the second takes the place of the first, which is the same. */
async function image(): Promise<string> {
  const path = inject('embeddedImage');
  if (!existsSync(path)) {
    const part = `${path}.${process.pid}`;
    await writeFile(part, await freshImage());
    await rename(part, path);
  }
  return path;
}

export const embeddedServer = async (): Promise<EmbeddedServer> =>
  startEmbeddedServer({ image: await image() });
