import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from '../setup/command.ts';
import { temporaryDirectory } from './model.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let stdout: string;
let stderr: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory[Symbol.asyncDispose]());

async function run(...argv: string[]): Promise<number | null> {
  const result = await runCommand('train-model', argv, {});
  ({ stdout, stderr } = result);
  return result.code;
}

test('trains on a file and prints one object', async () => {
  const from = join(directory.path, 'texts.jsonl');
  const out = join(directory.path, 'model');
  await writeFile(
    from,
    '{"title":"Red","text":"apples, pears"}\n{"title":"Green","text":"pears, red apples, green"}\n',
  );
  expect(await run('--json', '--out', out, '--from', from, '--dimensions', '8', '--seed', '3')).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ out, documents: 2, vocabulary: 3, dimensions: 8, seed: 3 });
  expect(stderr).toContain('numbered by their line');
  expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ hidden_size: 8 });
});

test('writes no word of a single text, and none that is masked, unless the operator says so', async () => {
  const from = join(directory.path, 'texts.jsonl');
  const out = join(directory.path, 'model');
  const texts = [
    'apples and kowalskis',
    'apples of Kowalski, pears',
    'pears, ann@example.com',
    'ann@example.com',
  ];
  await writeFile(from, texts.map((text, at) => JSON.stringify({ id: at + 1, title: '', text })).join('\n'));
  const words = async (...argv: string[]): Promise<string[]> => {
    expect(await run('--out', out, '--from', from, '--dimensions', '8', ...argv), stderr).toBe(0);
    const { model } = JSON.parse(await readFile(join(out, 'tokenizer.json'), 'utf8')) as {
      model: { vocab: Record<string, number> };
    };
    return Object.keys(model.vocab).filter((word) => !word.startsWith('['));
  };
  expect((await words()).toSorted()).toEqual(['apples', 'email', 'pears']);
  expect(await words('--min-documents', '1')).toEqual(expect.arrayContaining(['kowalski', 'kowalskis']));
  expect(await words('--min-documents', '1', '--mask', 'none')).toContain('example');
  expect(await run('--out', out, '--from', from, '--min-documents', '4')).toBe(2);
  expect(stderr).toContain('No word stands in 4 of the 4 texts');
});

test.each([
  [[], '--out is missing'],
  [
    ['--out', 'x', '--from', 'x.jsonl', '--dimensions', 'many'],
    '--dimensions must be a whole number, not "many"',
  ],
  [['--out', 'x', '--from', 'x.jsonl', '--seed', '-1'], '--seed'],
  [['--out', 'x', '--from', 'absent.jsonl'], 'absent.jsonl cannot be read'],
  [['--out', 'x', '--from', 'texts.doc'], 'none of .jsonl, .ndjson, .csv and .tsv'],
  [['--colour', 'red'], '--colour'],
])('%j is bad usage', async (argv, message) => {
  expect(await run(...argv)).toBe(2);
  expect(stderr).toContain(message);
});

test('--help lists the flags', async () => {
  expect(await run('--help')).toBe(0);
  for (const flag of ['--out DIR', '--from FILE', '--dimensions N', '--min-documents N', '--seed N'])
    expect(stdout).toContain(flag);
});
