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
  await writeFile(from, '{"title":"Red","text":"apples"}\n{"title":"Green","text":"pears"}\n');
  expect(await run('--json', '--out', out, '--from', from, '--dimensions', '8', '--seed', '3')).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ out, documents: 2, vocabulary: 4, dimensions: 8, seed: 3 });
  expect(stderr).toContain('numbered by their line');
  expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ hidden_size: 8 });
});

test.each([
  [[], '--out is missing'],
  [
    ['--out', 'x', '--from', 'x.jsonl', '--dimensions', 'many'],
    '--dimensions must be a whole number, not "many"',
  ],
  [['--out', 'x', '--from', 'x.jsonl', '--seed', '-1'], '--seed'],
  [['--out', 'x', '--from', 'absent.jsonl'], 'absent.jsonl cannot be read'],
  [['--out', 'x', '--from', 'texts.doc'], 'neither .jsonl nor .csv'],
  [['--colour', 'red'], '--colour'],
])('%j is bad usage', async (argv, message) => {
  expect(await run(...argv)).toBe(2);
  expect(stderr).toContain(message);
});

test('--help lists the flags', async () => {
  expect(await run('--help')).toBe(0);
  for (const flag of ['--out DIR', '--from FILE', '--dimensions N', '--seed N'])
    expect(stdout).toContain(flag);
});
