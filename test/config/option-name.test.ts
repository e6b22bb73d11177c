import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { optionName } from '../../src/config/option-name.ts';
import { OPTIONS } from '../../src/config/options.ts';

it('names flag, env variable and file key, which may stand below a backfill', () => {
  expect(optionName('queue')).toBe('queue (--queue, env QUEUE_URL, file key queue)');
  expect(optionName('index.m', 'docs')).toBe(
    'index.m (--index-m, env BACKFILL_INDEX_M, file key backfills.docs.index.m)',
  );
  expect(optionName('mask.types')).toBe(
    'mask.types (--mask, env BACKFILL_MASK, file key backfills.<name>.mask.types)',
  );
});

it('no message names an option by hand', async () => {
  const variables = Object.values(OPTIONS).map(({ env }) => env);
  const byHand = new RegExp(`\\benv (${variables.join('|')})\\b`);
  const found: string[] = [];
  for (const folder of ['src', 'scripts', 'workers'])
    for (const file of await readdir(folder, { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      for (const line of (await readFile(join(folder, file), 'utf8')).split('\n'))
        if (byHand.test(line) && !/^\s*(\/?\*|\/\/)/.test(line)) found.push(`${file}: ${line.trim()}`);
    }
  expect(found).toEqual([]);
});
