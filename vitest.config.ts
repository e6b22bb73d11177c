import { defineConfig } from 'vitest/config';

/** A limit for what hangs, not a measure: a busy machine takes many times as long as a quiet one. */
const LIMIT_MS = 240_000;

/** By what a test needs, which is in its file's name; docs/testing.md. */
const project = (name: string, suffix: string, { exclude = [] as string[], isolate = false } = {}) => ({
  test: {
    name,
    include: [`test/**/*${suffix}`],
    exclude,
    // What a test replaces must not have been loaded before it.
    setupFiles: isolate ? [] : ['test/setup/each-file.ts'],
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    // A database per test keeps tests apart; modules are loaded once for all files of a process.
    isolate,
  },
});

export default defineConfig({
  test: {
    globalSetup: ['test/setup/global.ts'],
    // One more than the two cores that this is built for: a fourth waits for a core, as all do then.
    maxWorkers: 3,
    // Files are transformed once, not once in each of the passes of a run in CI.
    experimental: { fsModuleCache: true },
    reporters: ['default', './test/setup/report.ts'],
    projects: [
      project('unit', '.test.ts', { exclude: ['**/*.{isolated,server,embedded}.test.ts'] }),
      // With modules that are replaced.
      project('isolated', '.isolated.test.ts', { isolate: true }),
      project('server', '.server.test.ts'),
      project('embedded', '.embedded.test.ts'),
    ],
  },
});
