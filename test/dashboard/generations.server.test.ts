/** A dashboard that is up while a second generation comes: each is shown, counted and acted on by itself. */

import { randomUUID } from 'node:crypto';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  createDashboardApp,
  startDashboard,
  type DashboardApp,
  type DashboardInput,
} from '../../src/dashboard/server.ts';
import { PageSearch, type OtherGeneration, type SearchAnswer } from '../../src/dashboard/page-search.ts';
import { searchPage } from '../../src/dashboard/pages/search-page.ts';
import { ConfigError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { prepareQueues } from '../../src/planning/open-queues.ts';
import { openQueues, type OpenQueue, type QueueRole } from '../../src/queue/connection.ts';
import { addEmbedJobs } from '../../src/queue/jobs/producer.ts';
import { embedderOf, openGenerations, type TwoGenerations } from '../cutover/generation/two-generations.ts';
import { backends, hasPostgres } from '../setup/databases.ts';

const executablePath = inject('chromium');
const CREDENTIALS = { authorization: `Basic ${btoa('admin:long enough')}` };

// The other backend would say the same of generations.
describe.runIf(hasPostgres()).each(backends().slice(0, 1))(
  'the dashboard of two generations on $name',
  ({ create }) => {
    let two: TwoGenerations;
    let input: DashboardInput;
    let dashboard: DashboardApp;
    const opened: Record<QueueRole, OpenQueue>[] = [];
    const get = async (path: string): Promise<string> =>
      (await dashboard.app.request(path, { headers: CREDENTIALS })).text();
    const metric = async (name: string): Promise<string[]> =>
      (await get('/metrics')).split('\n').filter((line) => line.startsWith(`pgvector_backfill_${name}{`));
    beforeAll(async () => {
      two = await openGenerations(await create(), { options: { BACKFILL_MODEL_POOLING: 'cls' } });
      await two.plan(1);
      const address = await prepareQueues(two.configs[1], two.pool, silentLogger);
      const open = (name: string): Record<QueueRole, OpenQueue> => {
        const queues = openQueues({ ...address, server: address, backfill: name });
        opened.push(queues);
        return queues;
      };
      const { embed, finalize, sync } = open('docs');
      const { settings } = two.configs[1];
      input = {
        pool: two.pool,
        backfill: 'docs',
        settings: {
          ...settings,
          dashboard: { ...settings.dashboard, port: 0, user: 'admin', password: 'long enough' },
        },
        queues: { embed: embed.queue, finalize: finalize.queue, sync: sync.queue },
        openQueues: open,
        logger: silentLogger,
      };
      dashboard = createDashboardApp(input);
    });
    afterAll(async () => {
      await dashboard.close();
      await opened[0]?.embed.close();
      await opened[0]?.finalize.close();
      await opened[0]?.sync.close();
      await two.close();
    });

    it('shows the first one alone without a word of generations', async () => {
      const page = await get('/');
      expect(page).toContain('<section id="state">');
      expect(page).not.toContain('Generation 1');
      expect(page).not.toContain('name="generation"');
      expect(await metric('coverage_ratio')).toEqual([
        'pgvector_backfill_coverage_ratio{backfill="docs",generation="1"} 1',
      ]);
    });

    it('has the second one as it comes: on the page, in metrics, in JSON, and its queues', async () => {
      await two.plan(2, false);
      await two.reads({ mode: 'vector', percent: null, generation: 1 });
      // Whoever looks at the queues first.
      const board = JSON.parse(await get('/queues/api/queues')) as { queues: { name: string }[] };
      expect(board.queues.map(({ name }) => name).toSorted()).toEqual(
        ['docs', 'docs@2'].flatMap((name) => ['embed', 'finalize', 'sync'].map((role) => `${name}-${role}`)),
      );
      const page = await get('/');
      expect(page.match(/<section id="(?:state|coverage|events)(?:-2)?"/g)).toEqual(
        ['state', 'coverage', 'events', 'state-2', 'coverage-2', 'events-2'].map(
          (id) => `<section id="${id}"`,
        ),
      );
      expect(
        [...page.matchAll(/Generation (\d)\s*<b class="\w*"\s*>([^<]*)</g)].map(([, ...of]) => of),
      ).toEqual([
        ['1', 'live'],
        ['2', 'no reads'],
      ]);
      expect(page).toContain('hash-2, 16 dimensions');
      // Generation 1 is of a well-known name, generation 2 of none.
      const rows = [...page.matchAll(/<td>(model\.pooling)<\/td>\s*<td>(.*?)<\/td>\s*<td>(.*?)<\/td>/g)];
      const minilm = 'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2';
      expect(rows.map(([, ...cells]) => cells)).toEqual([
        ['model.pooling', 'cls', `given; mean in ${minilm}`],
        ['model.pooling', 'cls', 'given'],
      ]);
      expect(page.match(/model\.\w+ is [^<]* says/g)).toEqual([
        `model.pooling is cls, and mean is what ${minilm} says`,
      ]);
      interface Used {
        usage: { path: string; source: string }[];
      }
      const { model, generations } = JSON.parse(await get('/api/status')) as {
        model: Used;
        generations: Used[];
      };
      expect(model.usage).toEqual(generations[0]?.usage);
      expect(generations.map(({ usage }) => usage.slice(0, 5).map(({ source }) => source))).toEqual([
        ['given', 'table', 'table', 'table', 'table'],
        ['given', 'default', 'default', 'default', 'default'],
      ]);

      expect(await metric('coverage_ratio')).toEqual([
        'pgvector_backfill_coverage_ratio{backfill="docs",generation="1"} 1',
        'pgvector_backfill_coverage_ratio{backfill="docs",generation="2"} 0',
      ]);
      expect((await metric('read_mode')).filter((line) => line.endsWith(' 1'))).toEqual([
        'pgvector_backfill_read_mode{backfill="docs",generation="1",mode="vector"} 1',
      ]);
      const run = await two.run(2);
      await addEmbedJobs(
        opened[1]!.embed.queue,
        randomUUID(),
        [{ number: 9, lower: null, upper: '7' }],
        3,
        true,
      );
      const waiting = (await metric('queue_jobs')).filter((line) =>
        line.includes('queue="embed",state="waiting"'),
      );
      // Three batches were put there as the run was planned.
      expect(waiting).toEqual([
        expect.stringMatching(/generation="1",queue="embed",state="waiting"} \d$/),
        expect.stringMatching(/generation="2",queue="embed",state="waiting"} 4$/),
      ]);
      const all = (await get('/metrics')).split('\n').filter((line) => /^\w+\{/.test(line));
      const [sources, others] = [true, false].map((isSource) =>
        all.filter((line) => line.startsWith('pgvector_backfill_source_up') === isSource),
      );
      expect(sources).toHaveLength(2);
      expect(others!.filter((line) => !/backfill="docs",generation="[12]"/.test(line))).toEqual([]);
      expect(JSON.parse(await get('/api/status'))).toMatchObject({
        backfill: 'docs',
        generation: 1,
        generations: [
          { generation: 1, reads: 'live' },
          { generation: 2, run: run!.id, reads: null },
        ],
      });
    });

    it('acts on the generation whose button was pressed', async () => {
      const page = await get('/');
      const token = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
      const press = async (action: string, generation: string): Promise<string> => {
        const answer = await dashboard.app.request(`/actions/${action}`, {
          method: 'POST',
          headers: {
            ...CREDENTIALS,
            origin: 'http://localhost',
            'content-type': 'application/x-www-form-urlencoded',
          },
          body: new URLSearchParams({ csrf: token, generation }).toString(),
        });
        expect(answer.status).toBe(303);
        const told = await get(`/${(answer.headers.get('location') ?? '').replace('../', '')}`);
        return /<p class="notice" role="status">([^<]*)</.exec(told)?.[1] ?? '';
      };
      expect(await press('pause', '2')).toBe('Generation 2: The run is paused.');
      expect([(await two.run(1))?.state, (await two.run(2))?.state]).toEqual(['ready', 'paused']);
      expect(await press('resume', '2')).toMatch(/^Generation 2: Resumed: the run is running\./);
      expect(await press('pause', '3')).toBe('Generation 3: Backfill docs has no generation 3.');
    });

    it('asks each of them by its own model, beside the legacy search, and goes on where one has none', async () => {
      await two.plan(2);
      const judge = await get('/judge');
      expect(judge.replaceAll(/\s+/g, ' ')).toContain(
        'verify --judged</code> measures generation 1, <code>--judged --generation 2</code> generation 2 against it',
      );
      const asked: string[] = [];
      const search = new PageSearch({
        pool: two.pool,
        backfill: 'docs',
        settings: two.configs[1].settings,
        logger: silentLogger,
        open: ({ model, column }) => {
          asked.push(column);
          return model.name === 'another' && asked.length > 2
            ? Promise.reject(new ConfigError('No such model.', { code: 'MODEL_MISSING' }))
            : Promise.resolve(embedderOf(model.name === 'another' ? 2 : 1));
        },
      });
      const query = { text: 'bread', k: 3, filter: '' };
      const answerOf = async (): Promise<SearchAnswer> => {
        const result = await search.ask(query);
        if ('trouble' in result) throw new Error(result.trouble);
        return result.answer;
      };
      const both = await answerOf();
      expect(both).toMatchObject({
        generation: 1,
        others: [{ generation: 2, embeddingMs: expect.any(Number) as number }],
      });
      const [other] = both.others as [Extract<OtherGeneration, { vector: unknown }>];
      expect([both.vector.length, other.vector.length]).toEqual([3, 3]);
      expect([both.sql.vector.sql, other.sql.sql].map((sql) => /embedding(_2)?(?=")/.exec(sql)?.[0])).toEqual(
        ['embedding', 'embedding_2'],
      );
      expect(asked).toEqual(['embedding', 'embedding_2']);
      const page = String(
        await searchPage({ backfill: 'docs', filters: [], query, result: { answer: both }, judging: null }),
      );
      expect([...page.matchAll(/<h2>([^<]*) <b>/g)].map(([, name]) => name)).toEqual([
        'Legacy search',
        'Generation 1',
        'Generation 2',
      ]);
      await search.close();
      const alone = await answerOf();
      expect(alone.vector).toEqual(both.vector);
      expect(alone.others).toEqual([
        { generation: 2, trouble: expect.stringContaining('No such model.') as string },
      ]);
      await search.close();
    });

    it.skipIf(executablePath === null)(
      'is up to date on a page that is open while one goes, and comes',
      async () => {
        const running = await startDashboard(input);
        const browser = await chromium.launch({
          executablePath: executablePath ?? '',
          args: ['--no-sandbox'],
        });
        try {
          const context = await browser.newContext({
            httpCredentials: { username: 'admin', password: 'long enough' },
          });
          const page = await context.newPage();
          const complaints: string[] = [];
          page.on('pageerror', (error) => complaints.push(error.message));
          await page.goto(`${running.url}/`);
          const dropped = (at: string): Promise<unknown> =>
            two.pool.query(`UPDATE pgvector_backfill.backfill SET dropped_at = ${at} WHERE name = 'docs@2'`);
          await page.waitForSelector('#state-2');
          await dropped('now()');
          await page.waitForSelector('#state-2', { state: 'detached' });
          expect(await page.locator('section#state').count()).toBe(1);
          await dropped('NULL');
          await page.waitForSelector('#state-2');
          expect(await page.locator('#generation-2 h2 b').textContent()).toBe('no reads');
          expect(complaints).toEqual([]);
        } finally {
          await browser.close();
          await running.close();
        }
      },
    );
  },
);
