/**
 * `npm run docs:pictures`: the README's two pictures, of the demo's table on the embedded server, by the program's own
 * commands. The progress page is taken in the middle of a run that is slowed down for it.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from '../setup/browser.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
/** Wide enough for two columns; every pixel more is bytes in each clone. */
const VIEWPORT = { width: 960, height: 560 };
const QUERY = 'infant will not stop screaming';
const ROWS_PER_SECOND = '10';
/** Of 348: the plot has a course by then. */
const SHOWN_AT_ROWS = 230;
const CREDENTIALS = { username: 'admin', password: 'for the pictures' };
const LOOK_MS = 200;
const PATIENCE = { timeout: 300_000 };

const start = (args: string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', 'scripts/cli.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

async function run(args: string[], env?: Record<string, string>): Promise<string> {
  const child = start(args, env);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

/** The address that it says it listens on. */
async function addressOf(dashboard: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: dashboard.stdout as NodeJS.ReadableStream })) {
    const [address] = /http:\/\/[\d.:]+/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('the dashboard did not start');
}

const executablePath = findChromium();
if (executablePath === null) throw new Error('There is no Chromium here; set CHROMIUM_PATH.');
await mkdir(FOLDER, { recursive: true });
const demo = JSON.parse(await run(['demo', '--keep', '--json'])) as {
  kept: { pid: number; environment: Record<string, string> & { BACKFILL_MODEL_LOCAL_PATH: string } };
};
const env = { ...demo.kept.environment, BACKFILL_BATCH_ROWS: '20', BACKFILL_LOG_LEVEL: 'error' };
const processes: ChildProcess[] = [];
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  await run(['rollback', '--to-legacy-schema', '--execute'], env);
  await run(['enqueue'], env);
  await run(['tune', '--rows-per-second', ROWS_PER_SECOND], env);
  const dashboard = start(['dashboard', '--port', '0'], {
    ...env,
    DASHBOARD_USER: CREDENTIALS.username,
    DASHBOARD_PASSWORD: CREDENTIALS.password,
  });
  processes.push(dashboard, start(['worker'], env));
  const address = await addressOf(dashboard);
  const page = await browser.newPage({
    viewport: VIEWPORT,
    httpCredentials: CREDENTIALS,
    colorScheme: 'light',
  });
  await page.goto(address);
  // The page's own policy forbids a condition that is evaluated in it.
  const embedded = page.locator('#coverage .legend li', { hasText: 'embedded' }).locator('b');
  while (Number(await embedded.textContent(PATIENCE)) < SHOWN_AT_ROWS) await delay(LOOK_MS);
  await page.screenshot({ path: `${FOLDER}progress.png` });
  await run(['tune', '--rows-per-second', 'off'], env);
  await page.locator('#state .badge.ready').waitFor(PATIENCE);
  await page.goto(`${address}/search?q=${encodeURIComponent(QUERY)}&k=6`);
  await page.locator('#vector li').first().waitFor(PATIENCE);
  await page.screenshot({ path: `${FOLDER}search.png` });
} finally {
  await browser.close();
  for (const child of processes.toReversed()) await end(child);
  process.kill(demo.kept.pid);
  await rm(env.BACKFILL_MODEL_LOCAL_PATH, { recursive: true, force: true });
}
