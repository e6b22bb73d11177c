import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    // A limit for what hangs, not a measure: a busy machine takes many times as long as a quiet one.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Two cores are the machine the suite is planned for; a database per test keeps files independent.
    maxWorkers: 2,
  },
});
