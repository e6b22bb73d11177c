/** Entry points are wiring only: what they wire has rooms of its own in src/. */

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const MAX_LINES = 70;
/** Each verb, what verbs share, and each role of a worker. Benchmarks and the search package are programs of their own. */
const FOLDERS = ['scripts', 'scripts/lib', 'workers'];

const files = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: join(folder, name), text: readFileSync(join(folder, name), 'utf8') })),
);

describe('scripts and workers', () => {
  it(`have ${MAX_LINES} lines a file at most`, () => {
    expect(files.length).toBeGreaterThan(30);
    const long = files.filter(({ text }) => text.trimEnd().split('\n').length > MAX_LINES);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('ask the ledger by src/ledger alone: they hold no SQL', () => {
    const sql = /\.query[(<]|\bpgvector_backfill\.|\bLEDGER_SCHEMA\b/;
    expect(files.filter(({ text }) => sql.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

/** Files that are loaded with this one, before it does anything. */
function loadedWith(path: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  for (const [, from = ''] of readFileSync(path, 'utf8').matchAll(
    /^(?:import|export)(?! type)[^;]*? from '(\.[^']+\.ts)';$/gm,
  ))
    loadedWith(join(dirname(path), from), loaded);
  return loaded;
}

it('status loads no model, no tokenizer, nothing that masks texts or wraps lines: each takes longer than its answer', () => {
  const loaded = [...loadedWith('scripts/status.ts')];
  expect(loaded).toContain('src/embedding/model-drift.ts');
  expect(
    loaded.filter((path) =>
      /inference\/|tokenizer\/|masking\/masker|local-embedder|training\/|line-width/.test(path),
    ),
  ).toEqual([]);
});
