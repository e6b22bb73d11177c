/** What the documents point to is there: pages, sections, commands with their flags, options. */

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { expect, it } from 'vitest';
import { flagsOf } from '../../src/cli/flags.ts';
import type { Command } from '../../src/cli/command.ts';
import { VERBS } from '../../scripts/lib/verbs.ts';
import { loadConfig } from '../../src/config/load.ts';
import { OPTIONS } from '../../src/config/options.ts';
import {
  ROOT,
  blocksOf,
  commandsOf,
  documents,
  shellCommands,
  type DocCommand,
} from '../setup/doc-commands.ts';

/** Programs of others that the documents name, and npm's own commands. */
const PROGRAMS = ['cd', 'docker', 'export', 'kubectl', 'sha256sum'];
const NPM = ['install', 'pack', 'run', 'test'];
const MAX_PICTURE_BYTES = 80_000;
const FOREIGN_BINS = ['prisma'];
/** What others than the options read. */
const FOREIGN_ENV = /^(PG[A-Z]+|TEST_[A-Z_]+|PACKAGE_TOOLS|BACKFILL_REFERENCE_DATA)$/;

/** As GitHub makes them of headings. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** By the rules by which verbs take their arguments. */
function complaint(command: Command, args: string[]): string | null {
  const own = new Map(Object.entries(command.flags));
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const flag of flagsOf(command)) {
    const name = flag.slice(2);
    const isBoolean = ['json', 'help'].includes(name) || own.get(name)?.type === 'boolean';
    options[name] = { type: isBoolean ? 'boolean' : 'string', multiple: true };
  }
  try {
    parseArgs({ args, options, allowPositionals: command.positionals !== undefined, strict: true });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

async function faultOf({ words, env }: DocCommand, scripts: Record<string, string>): Promise<string | null> {
  const known = Object.values(OPTIONS).map((option): string => option.env);
  const unknown = env.find((name) => !known.includes(name) && !FOREIGN_ENV.test(name));
  if (unknown !== undefined) return `there is no option ${unknown}`;
  const [program = '', first = '', ...rest] = words;
  if (program === '' || PROGRAMS.includes(program)) return null;
  if (program === 'pgvector-backfill') {
    const load = VERBS[first];
    if (load === undefined) return first === '<verb>' ? null : `there is no verb ${first}`;
    return complaint(await load(), rest);
  }
  if (program === 'npx')
    return existsSync(join(ROOT, 'node_modules/.bin', first)) || FOREIGN_BINS.includes(first)
      ? null
      : `there is no ${first}`;
  if (program !== 'npm') return `what is ${program}?`;
  if (!NPM.includes(first)) return `npm has no ${first}`;
  const [script = '', dashes, ...args] = rest;
  if (first !== 'run' || script === '<verb>') return null;
  if (scripts[script] === undefined) return `there is no script ${script}`;
  const load = VERBS[script];
  if (load === undefined || dashes === undefined) return null;
  return dashes === '--' ? complaint(await load(), args) : `${dashes} is npm's, not the verb's`;
}

it('every relative link leads to a file, and to a section of it', async () => {
  const broken: string[] = [];
  let links = 0;
  for (const { path, text } of await documents())
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links++;
      const [file = '', section] = target.split('#');
      const full = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      if (!existsSync(full)) broken.push(`${path}: ${target}`);
      else if (section !== undefined && !anchors(await readFile(full, 'utf8')).includes(section))
        broken.push(`${path}: ${target}`);
    }
  expect(broken).toEqual([]);
  expect(links).toBeGreaterThan(100);
});

it('pictures are shown, and small: every clone has them', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const pictures = await readdir(join(ROOT, 'docs/images'));
  expect(pictures.length).toBeGreaterThan(0);
  for (const name of pictures) {
    expect(readme).toContain(`](docs/images/${name})`);
    expect((await stat(join(ROOT, 'docs/images', name))).size, name).toBeLessThan(MAX_PICTURE_BYTES);
  }
});

it('every page is reached from the README', async () => {
  const pages = await documents();
  const text = new Map(pages.map((page) => [page.path, page.text]));
  const reached = new Set(['README.md']);
  for (const path of reached)
    for (const [, target = ''] of (text.get(path) ?? '').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
      if (!/^[a-z]+:/.test(target)) reached.add(join(dirname(path), target));
  expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});

it('every command is a verb or a script, with flags and variables that it takes', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands = (await documents()).flatMap(commandsOf);
  const wrong: string[] = [];
  for (const command of commands) {
    const fault = await faultOf(command, scripts);
    if (fault !== null) wrong.push(`${command.page}: ${command.words.join(' ')}: ${fault}`);
  }
  expect(wrong).toEqual([]);
  expect(commands.length).toBeGreaterThan(100);
});

it('finds the mistakes that a command may have', async () => {
  const faults = async (line: string): Promise<(string | null)[]> =>
    Promise.all(shellCommands(line).map((each) => faultOf({ page: '', ...each }, { status: '' })));
  expect(await faults('pgvector-backfill search "flat tyre" --top 5 | head # and a comment')).toEqual([
    expect.stringContaining('--top'),
    'what is head?',
  ]);
  expect(await faults('DATABASE_URI=x pgvector-backfill status')).toEqual([
    'there is no option DATABASE_URI',
  ]);
  expect(await faults('pgvector-backfill enqueue --rows')).toEqual([expect.stringContaining('--rows')]);
  expect(await faults('npm run status --watch && npm run stat && pgvector-backfill status extra')).toEqual([
    "--watch is npm's, not the verb's",
    'there is no script stat',
    expect.stringContaining('extra'),
  ]);
});

it('verbs are named as the program has them', async () => {
  const npm = (await documents())
    .filter(({ path }) => path !== 'README.md')
    .flatMap(commandsOf)
    .filter(({ words: [program, run, script = ''] }) => program === 'npm' && run === 'run' && script in VERBS)
    .map(({ page, words }) => `${page}: ${words.join(' ')}`);
  expect(npm).toEqual([]);
});

it('every variable of ours is one of an option', async () => {
  const known = Object.values(OPTIONS).map((option): string => option.env);
  const named = (await documents()).flatMap(({ path, text }) =>
    [...text.matchAll(/\bBACKFILL_[A-Z_]*[A-Z]/g)].map(([name]) => ({ path, name })),
  );
  expect(named.filter(({ name }) => !known.includes(name) && !FOREIGN_ENV.test(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(50);
});

it('the architecture names every room', async () => {
  const text = await readFile(join(ROOT, 'docs/architecture.md'), 'utf8');
  const rooms = (await readdir(join(ROOT, 'src'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(rooms.filter((room) => !text.includes(`\`${room}\``))).toEqual([]);
});

it.each([
  ['docs/failure-modes.md', 50],
  ['docs/managed.md', 15],
])('every test that %s names is there', async (page, least) => {
  const text = await readFile(join(ROOT, page), 'utf8');
  const there = await readdir(join(ROOT, 'test'), { recursive: true });
  const named = [...text.matchAll(/\| ([^|\n]+) \|$/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z-]+(?:\/[a-z-]+)+)`/g)].map(([, name = '']) => name),
  );
  // Folders move; a test's own name is what finds it.
  const isThere = (name: string): boolean => {
    const file = new RegExp(`(^|/)${name.split('/').at(-1)}(\\.\\w+)?\\.test\\.ts$`);
    return there.some((path) => file.test(path));
  };
  expect(named.filter((name) => !isThere(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(least);
});

it('every configuration file is taken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'documents-'));
  const examples = (await documents()).flatMap(({ text }) =>
    blocksOf(text, 'json').filter((block) => block.includes('"backfills"')),
  );
  expect(examples.length).toBeGreaterThan(2);
  for (const example of examples) {
    await writeFile(join(folder, 'backfill.config.json'), example);
    for (const backfill of Object.keys((JSON.parse(example) as { backfills: object }).backfills)) {
      const { settings } = await loadConfig({ flags: {}, env: {}, cwd: folder, backfill });
      expect(settings.table).toMatch(/^public\./);
    }
  }
  await rm(folder, { recursive: true });
});
