/** The README's and the tutorial's commands, as they stand there and in their order, on the sample table. */

import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, startVerb, type RunningVerb } from '../setup/command.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { blocksOf, commandsOf, documents, shellCommands } from '../setup/doc-commands.ts';
import { sampleModel } from '../setup/model.ts';
import { until } from '../setup/until.ts';

/** As the demo names it, and the tutorial's output with it. */
const MODEL_NAME = 'trained-on-the-table';
/** They stay up until somebody ends them; the worker is the only one that others wait for. */
const STAY_UP = ['dashboard', 'demo'];

/** In which the commands of all pages follow one another on one table: what changes for good comes last. A model is trained elsewhere. */
const ORDER =
  'doctor status mask search model tune pause resume enqueue retry finalize verify watch cutover complete rollback'.split(
    ' ',
  );
/** Where a command is shown for what it refuses, or is only the name of a verb. */
const EXPECTED: Record<string, number> = {
  'verify --judged': 3,
  // The sample table has no tenants.
  'verify --by tenant_id': 2,
  'verify --by tenant_id --report report.html': 2,
  // Every vector is ours by then.
  'enqueue --adopt': 2,
  'enqueue --adopt --dry-run': 2,
};
/** Of a verb, what only prints comes before what acts; reads end where `complete` wants them. */
const placeOf = ([verb = '', ...args]: string[]): number =>
  ORDER.indexOf(verb) +
  (args.includes('--execute') ? 0.5 : 0) +
  (args.includes('vector') ? 0.1 : 0) +
  (args.includes('--to-legacy-schema') ? 0.25 : 0);

/** What a page has done, and what it says is printed then; null where it says nothing. */
interface Step {
  language: string;
  block: string;
  printed: string | null;
}

function stepsOf(text: string): Step[] {
  const fences = [...text.matchAll(/^ *```(\w*)\n/gm)].map(([, language = '']) => language);
  const left = new Map(fences.map((language) => [language, blocksOf(text, language)]));
  const blocks = fences
    .filter((_, place) => place % 2 === 0)
    .map((language) => ({ language, block: left.get(language)?.shift() ?? '' }));
  return blocks.map(({ language, block }, place) => {
    const next = blocks[place + 1];
    return { language, block, printed: next?.language === '' ? next.block : null };
  });
}

/** Figures differ from run to run, and so does the room that is made for them. */
const lineShapes = (text: string): string[] =>
  text
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/\d[\d,.e-]*/g, 'N')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && line !== '…');

/** A line that is printed may have more behind it, as a server's version has its packager. */
const notShown = (wanted: string[], shown: string[]): string[] =>
  wanted.filter((line) => !shown.some((each) => each.startsWith(line)));

describe.skipIf(!hasPostgres()).each(databases())('the documents on $name', ({ create }) => {
  let backfill: TestBackfill;
  let models: string;
  let worker: RunningVerb | undefined;
  afterEach(async () => {
    worker?.interrupt();
    await worker?.ended;
    worker = undefined;
    await backfill.close();
    await rm(models, { recursive: true });
  });

  async function open(done: boolean): Promise<void> {
    const model = sampleModel();
    models = await mkdtemp(join(tmpdir(), 'documents-'));
    await symlink(join(model.localPath, model.name), join(models, MODEL_NAME));
    backfill = await openBackfill(
      await create(),
      { ...model, localPath: models, name: MODEL_NAME },
      {
        BACKFILL_TABLE: 'public.articles',
        BACKFILL_TEXT: 'title,body',
        BACKFILL_WHERE: "status <> 'draft'",
        BACKFILL_BATCH_ROWS: '100',
        BACKFILL_SYNC_EVERY_SECONDS: '1',
        BACKFILL_VERIFY_SAMPLES: '5',
        BACKFILL_LEGACY_SEARCH: `SELECT id FROM articles WHERE title ILIKE '%'||$1||'%' OR body ILIKE '%'||$1||'%' LIMIT $2`,
      },
    );
    await loadArticles(backfill.pool, articles());
    if (!done) return;
    await backfill.enqueue();
    await backfill.work();
  }

  it.each(['README.md', 'docs/tutorial.md'])('%s is right in every command', async (path) => {
    // The demo has done it all, and leaves it so to the reader of the tutorial.
    await open(path.endsWith('tutorial.md'));
    const { text = '' } = (await documents()).find((page) => page.path === path) ?? {};
    let commands = 0;
    for (const { language, block, printed } of stepsOf(text)) {
      if (language === 'sql') await backfill.pool.query(block);
      if (language !== 'sh') continue;
      const lines = block.split('\n').flatMap((line) => shellCommands(line));
      for (const [place, { words }] of lines.entries()) {
        const [program, verb = '', ...args] = words;
        if (program !== 'pgvector-backfill' || STAY_UP.includes(verb) || args.includes('--watch')) continue;
        commands++;
        if (verb === 'worker') {
          worker = startVerb(verb, args, backfill.env);
          await until('the run is ready', async () => (await backfill.run()).state === 'ready');
          continue;
        }
        const wanted = place === lines.length - 1 ? lineShapes(printed ?? '') : [];
        let shown: string[] = [];
        // Of what a worker is still at: looked at again, as a reader would.
        await until(`${words.join(' ')} prints what ${path} says`, async () => {
          const { code, stdout, stderr } = await runCommand(verb, args, backfill.env);
          expect({ command: words.join(' '), code, stderr: code === 0 ? '' : stderr }).toMatchObject({
            code: 0,
          });
          shown = lineShapes(stdout);
          return verb !== 'status' || notShown(wanted, shown).length === 0;
        });
        expect(notShown(wanted, shown), `${words.join(' ')} prints\n${shown.join('\n')}`).toEqual([]);
      }
    }
    expect(commands).toBeGreaterThan(8);
  });

  it('docs/new-model.md takes reads to another model', async () => {
    await open(true);
    const before = ['verify', 'cutover --to vector --execute'].map((line) => line.split(' '));
    for (const [verb = '', ...args] of before)
      expect((await runCommand(verb, args, backfill.env)).code).toBe(0);
    const { text = '' } = (await documents()).find(({ path }) => path === 'docs/new-model.md') ?? {};
    const [road = ''] = blocksOf(text, 'sh');
    const env = { ...backfill.env, BACKFILL_MODEL_POOLING: 'max' };
    const ended: string[] = [];
    for (const { words } of road.split('\n').flatMap((line) => shellCommands(line))) {
      const [, verb = '', ...args] = words;
      if (verb === 'worker') {
        worker = startVerb(verb, args, env);
        await until('the second generation is ready', async () => {
          const found = await backfill.pool.query(
            `SELECT 1 FROM pgvector_backfill.run WHERE backfill = 'articles@2' AND state = 'ready'`,
          );
          return found.rows.length > 0;
        });
        continue;
      }
      const { code, stderr } = await runCommand(verb, args, env);
      // The page leaves the way back to the reader, and goes on from the second one.
      if (verb === 'rollback')
        await runCommand('cutover', ['--to', 'vector', '--generation', '2', '--execute'], env);
      ended.push(`${words.slice(1).join(' ')}: ${code}${code === 0 ? '' : ` ${stderr}`}`);
    }
    expect(ended.filter((line) => !line.endsWith(': 0'))).toEqual([]);
    expect(ended).toHaveLength(9);
  });

  it('every other command that a page shows does what it is there for', async () => {
    await open(true);
    const shown = new Map<string, string[]>();
    for (const page of await documents())
      for (const { words } of commandsOf(page))
        if (words[0] === 'pgvector-backfill') shown.set(words.slice(1).join(' '), words.slice(1));
    const wanted = [...shown.values()].filter(
      ([verb = '', ...args]) =>
        ORDER.includes(verb) &&
        !args.some((each) => each.includes('…') || each === '--watch' || each === '--generation'),
    );
    wanted.sort((a, b) => placeOf(a) - placeOf(b));
    const wrong: string[] = [];
    for (const [verb = '', ...args] of wanted) {
      const inFolder = args.map((each) => (each === 'report.html' ? join(models, each) : each));
      const { code, stderr } = await runCommand(verb, inFolder, backfill.env);
      const named = [verb, ...args].join(' ');
      if (code !== (EXPECTED[named] ?? 0)) wrong.push(`${named} ended with ${code}: ${stderr}`);
    }
    expect(wrong).toEqual([]);
    expect(wanted.length).toBeGreaterThan(25);
  });
});
