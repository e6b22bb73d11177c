/**
 * zod as one file of the compiled program. Each process loads it before anything else, and as it comes it is 95 files, most of
 * them messages in languages that nobody asks for: a fifth of what a verb takes to start.
 */

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, type Metafile } from 'esbuild';

const NAME = 'zod.js';
const IMPORT = /(?<=\bfrom )'zod'/g;

/** Puts it into `out`, where compiled files lie, and has these take it from there; those that do already stay as they are. */
export async function bundleZod(out: string, root: string): Promise<Metafile> {
  const { metafile } = await build({
    stdin: { contents: `export { z } from 'zod';`, resolveDir: root },
    absWorkingDir: root,
    outfile: join(out, NAME),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    metafile: true,
    logLevel: 'warning',
    plugins: [
      {
        name: 'english',
        setup(builder) {
          builder.onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, resolveDir }) => ({
            path: join(resolveDir, dirname(path), 'en.js'),
          }));
        },
      },
    ],
  });
  for (const folder of ['src', 'scripts', 'workers'])
    for (const file of await readdir(join(out, folder), { recursive: true })) {
      if (!file.endsWith('.js')) continue;
      const path = join(out, folder, file);
      const compiled = await readFile(path, 'utf8');
      const own = compiled.replaceAll(IMPORT, `'${relative(dirname(path), join(out, NAME))}'`);
      if (own !== compiled) await writeFile(path, own);
    }
  return metafile;
}
