import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutover } from '../../scripts/cutover.ts';
import { rollback } from '../../scripts/rollback.ts';
import { complete } from '../../scripts/complete.ts';
import { abandon } from '../../scripts/abandon.ts';
import { compareModelsCommand } from '../../scripts/compare-models.ts';
import { completion } from '../../scripts/completion.ts';
import { dashboard } from '../../scripts/dashboard.ts';
import { demo } from '../../scripts/demo.ts';
import { doctor } from '../../scripts/doctor.ts';
import { enqueueCommand } from '../../scripts/enqueue.ts';
import { finalizeCommand } from '../../scripts/finalize.ts';
import { helpText } from '../../src/cli/help.ts';
import { mask } from '../../scripts/mask.ts';
import { model } from '../../scripts/model.ts';
import { pauseCommand } from '../../scripts/pause.ts';
import { resumeCommand } from '../../scripts/resume.ts';
import { retryCommand } from '../../scripts/retry.ts';
import { search } from '../../scripts/search.ts';
import { status } from '../../scripts/status.ts';
import { trainModelCommand } from '../../scripts/train-model.ts';
import { tune } from '../../scripts/tune.ts';
import { verifyCommand } from '../../scripts/verify.ts';
import { worker } from '../../scripts/worker.ts';
import { bench } from '../../scripts/bench/bench.ts';
import { runCommand, startCommand } from '../setup/command.ts';

const COMMANDS = [
  abandon,
  compareModelsCommand,
  complete,
  completion,
  cutover,
  dashboard,
  demo,
  doctor,
  enqueueCommand,
  finalizeCommand,
  mask,
  model,
  pauseCommand,
  resumeCommand,
  retryCommand,
  rollback,
  search,
  status,
  trainModelCommand,
  tune,
  verifyCommand,
  worker,
];

it('names every command as the program has it, whatever starts it', async () => {
  const verb = new RegExp(`npm run (${COMMANDS.map(({ name }) => name).join('|')})\\b(?!:)`);
  const files = (await readdir('.', { recursive: true })).filter((file) =>
    /^(src|scripts|workers)\/.*\.(ts|js|sql)$/.test(file),
  );
  expect(files.length).toBeGreaterThan(300);
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  expect(files.filter((_, at) => verb.test(texts[at] as string))).toEqual([]);
});

describe('verbs', () => {
  it('each have an npm script of their name, and help', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const command of COMMANDS) {
      expect(scripts[command.name]).toBe(`node --import tsx scripts/${command.name}.ts`);
      expect(helpText(command)).toContain(`Usage: pgvector-backfill ${command.name} [flags]`);
    }
    expect(scripts['bench']).toBe('node --import tsx scripts/bench/bench.ts');
    expect(helpText(bench)).toContain('Usage: npm run bench -- [flags]');
  });

  it('show their help as it was agreed', () => {
    expect(helpText(enqueueCommand)).toMatchSnapshot();
    expect(helpText(mask)).toMatchSnapshot();
    expect(
      [bench, ...COMMANDS].map((command) => `${command.name}: ${Object.keys(command.flags).join(' ')}`),
    ).toMatchSnapshot();
  });

  it('refuse unknown flags and wrong values with exit code 2', async () => {
    for (const [verb, args, word] of [
      ['enqueue', ['--rowz', '3'], '--rowz'],
      ['enqueue', ['--rows', 'few'], '--rows'],
      ['worker', ['--role', 'boss'], '--role'],
      ['search', [], 'no query'],
      ['bench', ['nothing'], 'nothing'],
      ['completion', [], 'bash'],
      ['completion', ['fish'], 'fish'],
      ['complete', ['--drop-sync', '--keep-sync'], '--keep-sync'],
      ['complete', ['--generation', 'old'], '--generation'],
      ['abandon', [], '--generation'],
      ['cutover', [], '--to'],
      ['cutover', ['--to', 'canary:0'], 'canary:0'],
      ['cutover', ['--to', 'legacy'], 'rollback'],
      ['cutover', ['--to', 'vector', '--override', ' '], '--override'],
      ['mask', ['--sample', '0'], '--sample'],
      ['model', ['steal'], 'steal'],
      ['model', [], 'pgvector-backfill model check'],
      ['train-model', [], '--out'],
      ['compare-models', [], '--models'],
      ['compare-models', ['--models', 'a,a'], 'names a twice'],
      ['compare-models', ['--models', 'a', '--rows', 'all'], '--rows'],
      ['compare-models', ['--models', 'a', '--judgements', 'qrels.tsv'], '--queries'],
      ['tune', ['--threshold', 'lockWaiters=1', '--threshold', 'nonsense=1'], 'nonsense=1'],
    ] as const) {
      const { code, stderr } = await runCommand(verb, [...args], {
        DATABASE_URL: 'postgres://u@127.0.0.1:1/d',
        BACKFILL_TABLE: 't',
        BACKFILL_TEXT: 'a',
      });
      expect({ verb, code }).toEqual({ verb, code: 2 });
      expect(stderr).toContain(word);
    }
  });

  it('give one JSON object for an error too', async () => {
    const { code, json } = await runCommand('status', ['--json'], {});
    expect(code).toBe(2);
    expect(json()).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('DATABASE_URL') as string },
    });
  });

  it('start where Kubernetes has set the port of a Service named `dashboard`, but for `dashboard` itself', async () => {
    const env = {
      DATABASE_URL: 'postgres://u@127.0.0.1:1/d',
      BACKFILL_TABLE: 't',
      BACKFILL_TEXT: 'a',
      DASHBOARD_PORT: 'tcp://10.43.2.9:80',
    };
    const codeOf = async (verb: string): Promise<unknown> => {
      const { json } = await runCommand(verb, ['--json', '--log-level', 'silent'], env);
      return (json() as { error: { code: string } }).error.code;
    };
    for (const verb of ['worker', 'status', 'pause', 'mask', 'enqueue'])
      expect({ verb, code: await codeOf(verb) }).toEqual({ verb, code: 'DATABASE_UNREACHABLE' });
    expect(await codeOf('dashboard')).toBe('CONFIG_INVALID');
  });

  it('end with 130 when they are interrupted', async () => {
    // A hub that never answers keeps the verb at its work.
    const hub = createServer().listen(0, '127.0.0.1');
    await once(hub, 'listening');
    const models = await mkdtemp(join(tmpdir(), 'pgvector-backfill-interrupted-'));
    const asked = once(hub, 'request');
    const running = startCommand('model', ['fetch'], {
      BACKFILL_MODEL_LOCAL_PATH: models,
      BACKFILL_MODEL_HUB: `http://127.0.0.1:${(hub.address() as AddressInfo).port}`,
    });
    await asked;
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    hub.closeAllConnections();
    hub.close();
    await rm(models, { recursive: true });
  });

  it('go on to their end where nobody reads what they say', async () => {
    const running = startCommand('status', ['--help'], {});
    running.child.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('are reached by the bin as well', async () => {
    const help = await startCommand('cli', ['--help'], {}).ended;
    expect(help.code).toBe(0);
    for (const command of COMMANDS) expect(help.stdout).toContain(command.name);
    expect(help.stdout).not.toContain('bench');
    expect(await startCommand('cli', ['nonsense'], {}).ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nonsense') as string,
    });
    const lost = await startCommand('cli', ['doctor', '--nonsense'], {}).ended;
    expect(lost.stderr).toContain('See `pgvector-backfill doctor --help`.');
    expect((await startCommand('cli', ['doctor', '--help'], {}).ended).stdout).toContain(
      'Usage: pgvector-backfill doctor [flags]',
    );
  });
});
