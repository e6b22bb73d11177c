/** Before and behind each test file. */

import { afterAll, inject } from 'vitest';
import { startEntriesFrom } from '../../src/process/fork-entry.ts';
import { closeSpareEmbedders } from './embedder.ts';
import { takeDatabases, takeWaits, type Waits } from './measure.ts';
import { stillWaitingFor } from './until.ts';

declare module 'vitest' {
  interface TaskMeta {
    waits?: Waits;
    databases?: Record<string, number>;
  }
}

startEntriesFrom(new URL(inject('compiled')));
takeWaits();
takeDatabases();

// oxlint-disable-next-line no-empty-pattern -- vitest gives the file behind the fixtures alone
afterAll(async ({}, file) => {
  await closeSpareEmbedders();
  file.meta.waits = takeWaits();
  file.meta.databases = takeDatabases();
  const waiting = stillWaitingFor();
  if (waiting.length > 0) throw new Error(`nobody has met, of what tests waited for: ${waiting.join('; ')}`);
});
