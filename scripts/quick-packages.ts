/**
 * Packages as the compiled program loads them, for each process loads them before anything else. zod comes as 95 files, most of
 * them messages in languages that nobody asks for: here it is one file. Those in CommonJS are required, as an import first reads
 * all their files for the names that they export, which takes as long as running them.
 */

import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, type Metafile } from 'esbuild';

const FOLDER = 'packages';
const COMMON_JS = ['bullmq', 'ioredis'];
const IMPORT = /\bimport (\{[^}]*\}) from '([\w.-]+)'/g;

/**
 * Puts them into `out`, where compiled files lie, and has these take them from there; those that do already stay as they are.
 * @returns of what zod's file is made
 */
export async function quickPackages(out: string, root: string): Promise<Metafile> {
  await mkdir(join(out, FOLDER), { recursive: true });
  const { metafile } = await build({
    stdin: { contents: `export { z } from 'zod';`, resolveDir: root },
    absWorkingDir: root,
    outfile: join(out, FOLDER, 'zod.js'),
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
  // A name that is not there would be undefined, not an error of the import: the types say that all are.
  for (const name of COMMON_JS)
    await writeFile(
      join(out, FOLDER, `${name}.js`),
      `import { createRequire } from 'node:module';\nexport default createRequire(import.meta.url)('${name}');\n`,
    );
  for (const folder of ['src', 'scripts', 'workers'])
    for (const file of await readdir(join(out, folder), { recursive: true })) {
      if (!file.endsWith('.js')) continue;
      const path = join(out, folder, file);
      const compiled = await readFile(path, 'utf8');
      const place = relative(dirname(path), join(out, FOLDER));
      const own = compiled.replaceAll(IMPORT, (statement, names: string, name: string) => {
        if (name === 'zod') return `import ${names} from '${place}/zod.js'`;
        if (!COMMON_JS.includes(name)) return statement;
        return `import ${name} from '${place}/${name}.js'; const ${names.replaceAll(' as ', ': ')} = ${name}`;
      });
      if (own !== compiled) await writeFile(path, own);
    }
  return metafile;
}
