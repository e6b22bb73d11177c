import { mkdir } from 'node:fs/promises';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { startDashboard, type Dashboard } from '../../src/dashboard/server.ts';
import { quarantineRows } from '../../src/ledger/rows/quarantine.ts';
import { saveTuned } from '../../src/ledger/progress/throttle-state.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import { prepareQueues } from '../../src/planning/open-queues.ts';
import { openQueues, type OpenQueue } from '../../src/queue/connection.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases, hasPostgres } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';
import { nginxExample } from '../setup/nginx-example.ts';
import { freePort, hasNginx, startNginx, type Nginx } from '../setup/nginx.ts';

const CREDENTIALS = { username: 'admin', password: 'long enough' };
const SCREENSHOTS = '.cache/screenshots';
/** Until the page shows what has happened; a run waits for its turn on a busy machine. */
const PATIENCE = { timeout: 30_000 };
const executablePath = inject('chromium');

// One backend is enough: what the pages are made of is tested on each.
// Takes the embedded server, several times slower, too long: a machine without real servers leaves it out, and says so.
describe.skipIf(executablePath === null || !hasPostgres()).each(databases())(
  'the dashboard in a browser on $name',
  ({ create }) => {
    const model = sampleModel();
    let browser: Browser;
    beforeAll(async () => {
      await mkdir(SCREENSHOTS, { recursive: true });
      browser = await chromium.launch({
        executablePath: executablePath ?? '',
        args: ['--no-sandbox', '--host-resolver-rules=MAP search.example.org 127.0.0.1'],
      });
    });
    afterAll(async () => {
      await browser.close();
    });

    let backfill: TestBackfill;
    let queues: OpenQueue[];
    let dashboard: Dashboard;
    let nginx: Nginx | null;
    /** Where the browser finds it: behind nginx, with TLS and under a path, where that is here. */
    let site: string;
    let context: BrowserContext;
    /** What the browser's console complains of; a violation of the policy is among it. */
    let complaints: string[];
    const openPage = async (
      options: Parameters<Browser['newContext']>[0] = { httpCredentials: CREDENTIALS },
    ): Promise<Page> => {
      context = await browser.newContext({ ...options, ignoreHTTPSErrors: true });
      const page = await context.newPage();
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      return page;
    };
    beforeEach(async () => {
      complaints = [];
      const example = await nginxExample();
      backfill = await openBackfill(await create(), model, {
        BACKFILL_TABLE: 'public.articles',
        BACKFILL_TEXT: 'title,body',
        BACKFILL_WHERE: "status <> 'draft'",
        BACKFILL_BATCH_ROWS: '20',
        BACKFILL_VERIFY_SAMPLES: '15',
        BACKFILL_THROTTLE_ROWS_PER_SECOND: '25',
        BACKFILL_SEARCH_FILTERS: JSON.stringify([
          { name: 'published', where: 'status = $1', values: ['published'] },
        ]),
        ...example.env,
        DASHBOARD_USER: CREDENTIALS.username,
        DASHBOARD_PASSWORD: CREDENTIALS.password,
      });
      const { pool, config } = backfill;
      await loadArticles(pool, articles());
      await backfill.enqueue();
      const address = await prepareQueues(config, pool, silentLogger);
      const { embed, finalize, sync } = openQueues(address);
      queues = [embed, finalize, sync];
      dashboard = await startDashboard({
        pool,
        backfill: config.backfill,
        settings: config.settings,
        queues: { embed: embed.queue, finalize: finalize.queue, sync: sync.queue },
        logger: silentLogger,
      });
      nginx = null;
      site = dashboard.url;
      if (!hasNginx()) return;
      const port = await freePort();
      const server = example.server(port, Number(new URL(dashboard.url).port));
      nginx = await startNginx(server, [port], example.files);
      site = `https://${example.host}:${port}${example.basePath}`;
    });
    afterEach(async () => {
      await context.close();
      await nginx?.close();
      await dashboard.close();
      await Promise.all(queues.map((each) => each.close()));
      await backfill.close();
    });

    it('follows a run, pauses it and lets it go on', async () => {
      const page = await openPage();
      await page.goto(dashboard.url);
      const { config, pool } = backfill;
      const { id } = await backfill.run();
      await quarantineRows(pool, config.backfill, { run: id, number: 1 }, [
        {
          key: '7',
          class: 'row',
          reason: '<b>the model</b> makes no vector of it',
          textHash: Buffer.alloc(32),
        },
      ]);
      const workers = await backfill.workers();
      try {
        const embedded = page.locator('#coverage .legend li', { hasText: 'embedded' }).locator('b');
        const merged = (least: number): Promise<void> =>
          expect
            .poll(async () => Number(await embedded.textContent()), PATIENCE)
            .toBeGreaterThanOrEqual(least);
        await merged(1);
        const first = Number(await embedded.textContent());
        await merged(first + 1);
        await page.screenshot({ path: `${SCREENSHOTS}/running-light.png`, fullPage: true });

        await page.getByRole('button', { name: 'Pause' }).focus();
        await page.keyboard.press('Enter');
        await page.getByText('The run is paused.').waitFor();
        await page.locator('#state .badge.paused').waitFor();
        expect((await backfill.run()).state).toBe('paused');

        await page.getByRole('button', { name: 'Retry quarantined rows' }).click();
        await page.getByText('1 quarantined rows get another try.').first().waitFor();

        await page.getByRole('button', { name: 'Resume' }).click();
        await page.locator('#state .badge.running').waitFor();
        expect(await page.locator('#events').textContent()).toContain('run.resumed');
        await saveTuned(pool, config.backfill, { rowsPerSecond: null });
        await page.locator('#state .badge.ready').waitFor();
        // Foretold at the plan, measured before the index: both are there by now.
        const staging = page.locator('#space tr', { hasText: 'Staging table' }).locator('td');
        expect(await staging.nth(1).textContent()).toMatch(/\d [kM]?B$/);
        expect(await staging.nth(2).textContent()).toMatch(/\d [kM]?B$/);
        await page.emulateMedia({ colorScheme: 'dark' });
        await page.screenshot({ path: `${SCREENSHOTS}/ready-dark.png`, fullPage: true });
        await page.setViewportSize({ width: 390, height: 844 });
        await page.emulateMedia({ colorScheme: 'light' });
        await page.screenshot({ path: `${SCREENSHOTS}/ready-phone.png`, fullPage: true });
        // Nothing is wider than a phone.
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      } finally {
        await workers.drain();
      }
      expect(complaints).toEqual([]);
    });

    it('shows both searches side by side, with a filter and the plan of each', async () => {
      const workers = await backfill.workers();
      await saveTuned(backfill.pool, backfill.config.backfill, { rowsPerSecond: null });
      try {
        const page = await openPage();
        await page.goto(`${site}/`);
        await page.locator('#state .badge.ready').waitFor(PATIENCE);
        await page.getByRole('link', { name: 'Search' }).click();
        await page.getByLabel('Query').fill('bicycle');
        await page.getByLabel('Filter').selectOption('published');
        await page.getByRole('button', { name: 'Search' }).click();
        await page.locator('#vector li').first().waitFor(PATIENCE);
        expect(await page.locator('#legacy li').first().textContent()).toMatch(/[a-z]{3}/);
        await page.locator('#vector summary', { hasText: 'SQL' }).click();
        await page.locator('#vector summary', { hasText: 'Plan' }).click();
        const shown = await page.locator('#vector').textContent();
        expect(shown).toContain('AND (status = $1)');
        expect(shown).toContain('Limit  (cost=');
        await page.screenshot({ path: `${SCREENSHOTS}/search-light.png`, fullPage: true });
        await page.setViewportSize({ width: 390, height: 844 });
        await page.emulateMedia({ colorScheme: 'dark' });
        await page.screenshot({ path: `${SCREENSHOTS}/search-phone-dark.png`, fullPage: true });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      } finally {
        await workers.drain();
      }
      expect(complaints).toEqual([]);
    });

    it('keeps clicks as judgements, by which verify measures both searches', async () => {
      const { config, pool, env } = backfill;
      await saveTuned(pool, config.backfill, { rowsPerSecond: null });
      expect((await backfill.work()).state).toBe('ready');
      expect((await runCommand('verify', ['--judged', '--json'], env)).code).toBe(3);
      const page = await openPage();
      await page.goto(`${site}/judge`);
      await page.locator('#samples a').first().waitFor();
      await page.goto(`${site}/search?q=bicycle&k=5`);
      const best = page.locator('#vector li').first();
      const row = (await best.locator('code').textContent()) ?? '';
      await best.getByRole('button', { name: `relevant: row ${row}` }).click();
      await page.getByText('saved', { exact: true }).waitFor();
      const other = page.locator('#vector li').nth(1);
      await other.getByRole('button', { name: 'not: row' }).click();
      const saved = async (): Promise<number[]> =>
        (
          await pool.query<{ grade: number }>(
            `SELECT grade FROM pgvector_backfill.judgement WHERE query = 'bicycle' ORDER BY grade DESC`,
          )
        ).rows.map(({ grade }) => grade);
      await expect.poll(saved, PATIENCE).toEqual([2, 0]);
      // Pressed again, a judgement is taken back; the page that is loaded again shows what is kept.
      await other.getByRole('button', { name: 'not: row' }).click();
      await expect.poll(saved, PATIENCE).toEqual([2]);
      await page.reload();
      const pressed = page.locator('#vector button[aria-pressed=true]');
      expect(await pressed.getAttribute('aria-label')).toBe(`relevant: row ${row}`);
      await page.screenshot({ path: `${SCREENSHOTS}/judging.png`, fullPage: true });
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      await page.goto(`${site}/judge`);
      expect(await page.locator('#judged').textContent()).toMatch(/bicycle\s*1\s*1/);
      await page.screenshot({ path: `${SCREENSHOTS}/judge-phone.png`, fullPage: true });
      expect(complaints).toEqual([]);

      const measured = JSON.parse((await runCommand('verify', ['--judged', '--json'], env)).stdout) as {
        relevance: { queries: number; systems: { name: string; mrr: number }[] };
      };
      expect(measured.relevance.queries).toBe(1);
      expect(measured.relevance.systems.find(({ name }) => name === 'vector')?.mrr).toBe(1);
      // From elsewhere, or no judgement at all.
      const post = (form: Record<string, string>): Promise<number> =>
        context.request.post(`${dashboard.url}/judge`, { form }).then((answer) => answer.status());
      expect(await post({ q: 'bicycle', key: row, grade: '0' })).toBe(403);
      const csrf = await page
        .goto(`${site}/search?q=bicycle`)
        .then(() => page.locator('input[name=csrf]').first().inputValue());
      expect(await post({ csrf, q: 'bicycle', key: 'x', grade: '0' })).toBe(400);
      expect(await post({ csrf, q: 'bicycle', key: row, grade: '7' })).toBe(400);
      expect(await saved()).toEqual([2]);
    });

    it('works without a script, and shows the queues under its policy', async () => {
      const page = await openPage({ httpCredentials: CREDENTIALS, javaScriptEnabled: false });
      await page.goto(`${site}/`);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.locator('#state .badge.paused').waitFor();
      await context.close();
      const board = await openPage();
      await board.goto(`${site}/queues`);
      await board.getByText('articles-embed').first().waitFor();
      await board.goto(`${site}/queues/queue/articles-embed?status=waiting`);
      await board.waitForLoadState('networkidle');
      await board.screenshot({ path: `${SCREENSHOTS}/queues.png`, fullPage: true });
      expect(complaints).toEqual([]);
    });

    it('opens by the address that the terminal shows, where no credentials are set', async () => {
      const { pool, env } = backfill;
      const own = Object.entries(env).filter(([name]) => !name.startsWith('DASHBOARD_'));
      const config = await loadConfig({
        flags: {},
        env: { ...Object.fromEntries(own), DASHBOARD_PORT: '0' },
        cwd: '/',
      });
      const [embed, finalize, sync] = queues.map(({ queue }) => queue);
      const open = await startDashboard({
        pool,
        backfill: config.backfill,
        settings: config.settings,
        queues: { embed, finalize, sync } as never,
        logger: silentLogger,
      });
      try {
        const page = await openPage({});
        expect((await page.goto(`${open.url}/search?q=bicycle`))?.status()).toBe(401);
        expect(await page.locator('body').textContent()).not.toContain('articles');
        await page.screenshot({ path: `${SCREENSHOTS}/token-needed.png`, fullPage: true });
        complaints = [];
        await page.getByLabel('Or type the token').fill(open.token ?? '');
        await page.getByRole('button', { name: 'Open' }).click();
        await page.getByRole('search').waitFor();
        await page.goto(`${open.url}/?token=${open.token}`);
        expect(page.url()).toBe(`${open.url}/`);
        expect(await context.cookies()).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);
        await page.getByText('live', { exact: true }).waitFor();
        await page.screenshot({ path: `${SCREENSHOTS}/first-minute.png`, fullPage: true });
        await page.getByRole('button', { name: 'Pause' }).click();
        await page.locator('#state .badge.paused').waitFor();
        await page.goto(`${open.url}/judge/`);
        expect(page.url()).toBe(`${open.url}/judge`);
        await page.goto(`${open.url}/queues/`);
        await page.getByText('articles-embed').first().waitFor();
        expect(complaints).toEqual([]);
      } finally {
        await open.close();
      }
    });

    it('lets nobody in without credentials', async () => {
      const page = await openPage({});
      for (const path of ['/', '/events', '/queues', '/api/status', '/judge', '/search']) {
        const answer = await context.request.get(`${dashboard.url}${path}`);
        expect(answer.status(), path).toBe(401);
      }
      const pressed = await context.request.post(`${dashboard.url}/actions/pause`);
      expect(pressed.status()).toBe(401);
      expect((await backfill.run()).state).not.toBe('paused');
      await page.close();
    });
  },
);
