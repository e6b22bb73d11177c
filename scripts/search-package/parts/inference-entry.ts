/** The inference process of the search face: one file with all its packages in it, beside the face or in its package. */

import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { childEnvironment } from '../../../src/process/child-environment.ts';
import { ConfigError } from '../../../src/errors.ts';
import { place } from './place.ts';

/** What has the file: the small package, and the large one. */
const NAMES = ['pgvector-backfill-search/inference', 'pgvector-backfill/search/inference'];

export function startInferenceProcess(): ChildProcess {
  const env = childEnvironment();
  // It would load the application's agents and loaders.
  delete env['NODE_OPTIONS'];
  return fork(inferenceFile(), [], {
    execArgv: [],
    // Ctrl-C in the terminal is the application's own affair; the process ends with it.
    detached: process.platform !== 'win32',
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}

/** @throws ConfigError where it is nowhere */
function inferenceFile(): string {
  const looks = [place.besideIt, ...[place.ownFile, mainFile, workFolder].map(inPackage), besideBundle];
  for (const look of looks) {
    const found = attempt(look);
    if (found !== null && existsSync(found)) return found;
  }
  throw new ConfigError(
    'The inference process of pgvector-backfill-search is not among the deployed files.',
    {
      code: 'INFERENCE_FILES_MISSING',
      remedy:
        'Deploy node_modules/pgvector-backfill-search with the bundle, or copy its inference.cjs, native.cjs and the folder of the platform beside the bundle.',
    },
  );
}

const mainFile = (): string => process.argv[1] ?? place.ownFile();
const workFolder = (): string => join(process.cwd(), 'none.js');
const besideBundle = (): string => join(dirname(place.ownFile()), 'inference.cjs');

/** As `from` would import it. */
const inPackage = (from: () => string) => (): string | null => {
  const file = from();
  for (const name of NAMES) {
    const found = attempt(() => place.resolve(name, file));
    if (found !== null) return found;
  }
  return null;
};

function attempt<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
