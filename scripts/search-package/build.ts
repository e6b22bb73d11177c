/** The search face as files of its own: few, without packages, and such that bundlers and file tracers see all of them. */

import { readFile, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PARTS = join(ROOT, 'scripts/search-package/parts');

/** Files of ours that the face has another one for, by their names in `parts`. */
const REPLACED: Record<string, string> = {
  'src/embedding/inference/start-process.ts': 'inference-entry.ts',
  'src/embedding/inference/onnx-runtime.ts': 'runtime.ts',
  'src/embedding/model-files/config.ts': 'model-config.ts',
  'src/config/typescript-module.ts': 'typescript-module.ts',
};
/** Packages that are CommonJS and use Node's own modules. */
const COMMON_JS = /\/node_modules\/(pgvector|proper-lockfile|graceful-fs|retry|signal-exit)\/.*\.js$/;
const BUILTIN = 'builtin:';

/** Puts the face's own parts in the place of those that need packages or files beside them. */
const parts = (place: 'place.ts' | 'place-commonjs.ts'): Plugin => ({
  name: 'parts',
  setup(builder) {
    // Messages in forty languages, which are a third of the library, and which nobody asks for.
    builder.onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, dirname(path), 'en.js'),
    }));
    builder.onResolve({ filter: /^pg$/ }, () => ({ path: join(PARTS, 'no-client.ts') }));
    builder.onLoad({ filter: /\/src\/(embedding|config)\/[\w/-]+\.ts$/ }, async ({ path }) => {
      const part = REPLACED[path.slice(ROOT.length)];
      if (part === undefined) return null;
      return { contents: await readFile(join(PARTS, part), 'utf8'), loader: 'ts', resolveDir: PARTS };
    });
    builder.onResolve({ filter: /\/place\.ts$/ }, () => ({ path: join(PARTS, place) }));
    // A `require` of Node's own modules is none in an ES module, and throws where a bundler has made one of CommonJS.
    builder.onLoad({ filter: COMMON_JS }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        /\brequire\((['"])([\w:/]+)\1\)/g,
        (call, _, name: string) => (isBuiltin(name) ? `require('${BUILTIN}${name}').default` : call),
      ),
    }));
    builder.onResolve({ filter: new RegExp(`^${BUILTIN}`) }, ({ path }) => ({
      path: path.slice(BUILTIN.length),
      namespace: BUILTIN,
    }));
    builder.onLoad({ filter: /.*/, namespace: BUILTIN }, ({ path }) => ({
      contents: `export { default } from '${path}';`,
    }));
  },
});

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  absWorkingDir: ROOT,
  logLevel: 'warning',
  // Names stay, as they stand in stack traces, and so do expressions: file tracers know some forms of them only.
  minifyWhitespace: true,
  external: ['onnxruntime-node'],
};

/** In parts, as an application that starts should not have to compile what its first search by vectors needs. */
async function buildFace(
  out: string,
  place: 'place.ts' | 'place-commonjs.ts',
  ending: string,
): Promise<Metafile> {
  const { metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: { index: join(ROOT, 'src/search.ts') },
    outdir: out,
    format: 'esm',
    splitting: true,
    outExtension: { '.js': ending },
    plugins: [parts(place)],
  });
  return metafile;
}

/** The bundler splits ES modules only: each of them is made CommonJS by itself. */
async function toCommonJs(file: string): Promise<void> {
  const { code } = await transform(await readFile(file, 'utf8'), {
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    supported: { 'dynamic-import': false },
    minifyWhitespace: true,
  });
  await writeFile(file, code);
}

/** Writes the face (index.mjs, index.cjs and their parts), its inference process, and the notices of what is in them. */
export async function buildSearchFace(out: string): Promise<Metafile[]> {
  const modules = await buildFace(out, 'place.ts', '.mjs');
  const commonJs = await buildFace(out, 'place-commonjs.ts', '.cjs');
  for (const file of Object.keys(commonJs.outputs)) await toCommonJs(join(ROOT, file));
  const { metafile: inference } = await build({
    ...common,
    metafile: true,
    entryPoints: [join(ROOT, 'src/embedding/inference/process.ts')],
    outfile: join(out, 'inference.cjs'),
    format: 'cjs',
    plugins: [parts('place-commonjs.ts')],
  });
  return [modules, inference];
}

const BINDING = '__nativeBinding';

/** Writes native.cjs, the JavaScript of the runtime, which loads its library from the folder of the platform beside it. */
export async function buildNative(out: string): Promise<Metafile> {
  const file = join(out, 'native.cjs');
  const { metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: [join(ROOT, 'node_modules/onnxruntime-node/dist/index.js')],
    outfile: file,
    format: 'cjs',
    external: [],
    plugins: [
      {
        name: 'binding',
        setup(builder) {
          builder.onLoad({ filter: /onnxruntime-node\/dist\/binding\.js$/ }, async ({ path }) => {
            const source = await readFile(path, 'utf8');
            const contents = source.replace(/require\(`[^`]*onnxruntime_binding\.node`\)/, BINDING);
            if (contents === source) throw new Error(`${basename(path)} loads its library in another way.`);
            return { contents };
          });
        },
      },
    ],
  });
  // Written by hand, as a bundler would follow it; a file tracer has to see it.
  const written = await readFile(file, 'utf8');
  const load = 'require(`./${process.platform}-${process.arch}/onnxruntime_binding.node`)';
  await writeFile(
    file,
    written.replace(BINDING, () => load),
  );
  return metafile;
}
