import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { articles } from '../../src/demo/articles.ts';
import { runCommand, startCommand, startVerb, type CommandResult } from '../setup/command.ts';
import { embeddedImage } from '../setup/embedded.ts';
import { watchProcess } from '../setup/watched-process.ts';

interface DemoJson {
  rows: { eligible: number; embedded: number; skipped: number; quarantined: number };
  index: { name: string; method: string; valid: boolean; seconds: number };
  verify: {
    passed: boolean;
    missingRows: number;
    usesIndex: boolean;
    planNode: string;
    recallAt10: number;
    vectorP50Ms: number;
    exactP50Ms: number;
  };
  queries: {
    text: string;
    legacy: { key: string; title: string }[];
    vector: { key: string; title: string }[];
  }[];
  model: string;
  dimensions: number;
  seconds: number;
  kept?: { pid: number; environment: Record<string, string> };
}

describe('the demo', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-demo-test-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const whole = ({ code, json, stderr }: CommandResult): void => {
    expect(code, stderr).toBe(0);
    const demo = json() as DemoJson;
    expect(demo.rows).toMatchObject({ eligible: 60, embedded: 60 });
    expect(demo.verify.passed).toBe(true);
    expect(demo.queries).toHaveLength(5);
  };

  it('goes A whole run on the sample and says so in one object', async () => {
    const { code, json, stdout } = await runCommand('demo', ['--json'], {});
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const demo = json() as DemoJson;
    expect(demo.rows.eligible).toBeGreaterThan(300);
    expect(demo.rows.embedded + demo.rows.skipped + demo.rows.quarantined).toBe(demo.rows.eligible);
    expect(demo.index).toMatchObject({ name: 'articles_embedding_hnsw_idx', method: 'hnsw', valid: true });
    expect(demo.verify).toMatchObject({ passed: true, missingRows: 0, usesIndex: true });
    expect(demo.verify.planNode).toContain('Index Scan using articles_embedding_hnsw_idx');
    expect(demo.verify.recallAt10).toBeGreaterThan(0.95);
    expect(demo.queries).toHaveLength(5);
    // The difference that the demo is about: a search for letters that finds nothing, one for meaning that does.
    expect(demo.queries.some(({ legacy, vector }) => legacy.length === 0 && vector.length > 0)).toBe(true);
    expect(demo.queries.some(({ legacy }) => legacy.length > 0)).toBe(true);
    expect(demo.dimensions).toBe(128);
  }, 120_000);

  it('on a records.csv, in processes of its own, talks to this machine alone and leaves no file behind', async () => {
    const file = join(folder, 'records.csv');
    const lines = Array.from(
      { length: 60 },
      (_, n) => `${n + 1},"Report, ${n % 6}","The ""old"" bridge ${n % 9} over the river ${n % 7}"`,
    );
    await writeFile(file, ['id,title,body', ...lines].join('\n'));
    const watched = await watchProcess(folder);
    whole(await startCommand('demo', ['--json', '--from', file], watched.env, watched).ended);
    expect(await watched.leftBehind()).toEqual([]);
    const { connections, created } = await watched.traced();
    expect(connections.filter((each) => !/^(?:127\.0\.0\.1|::1):(?!53$)\d+$/.test(each))).toEqual([]);
    expect(created.filter((each) => !each.startsWith(watched.env['TMPDIR'] ?? ''))).toEqual([]);
  }, 120_000);

  it('refuses a file that is not there, naming it', async () => {
    const { code, stdout, stderr } = await runCommand('demo', ['--from', join(folder, 'nothing.jsonl')], {});
    expect(code).toBe(2);
    expect(stderr).toContain('nothing.jsonl');
    // Not behind the start of a server.
    expect(stdout).toBe('');
  });

  it('on the user’s own records.jsonl, --keep leaves the server up and names the environment for the other verbs', async () => {
    const file = join(folder, 'records.jsonl');
    // A part of the sample: as real, and trained on in a fraction of the time.
    const some = articles().filter(({ body }) => body !== null);
    const lines = some.slice(0, 60).map(({ title, body }, at) => JSON.stringify({ id: at + 1, title, body }));
    await writeFile(file, lines.join('\n'));
    const ended = await startVerb(
      'demo',
      ['--json', '--keep', '--from', file],
      {},
      // The cluster that other tests begin with too; the first test makes its own, as a user's demo does.
      { embeddedImage: await embeddedImage() },
    ).ended;
    whole(ended);
    const { kept } = ended.json() as DemoJson;
    if (kept === undefined) throw new Error('nothing was kept');
    try {
      const status = await runCommand('status', ['--json'], kept.environment);
      expect(status.json()).toMatchObject({
        backfill: 'articles',
        state: 'ready',
        rows: { pending: 0, stale: 0 },
      });
      const search = await runCommand(
        'search',
        ['--json', '--k', '3', some[0]?.title ?? ''],
        kept.environment,
      );
      expect(search.code).toBe(0);
      expect((search.json() as { vector: unknown[] }).vector).toHaveLength(3);
      expect((await runCommand('verify', ['--json'], kept.environment)).json()).toMatchObject({
        passed: true,
      });
      expect((await runCommand('enqueue', ['--json'], kept.environment)).json()).toMatchObject({
        enqueued: 0,
      });
    } finally {
      process.kill(kept.pid, 'SIGTERM');
      await rm(kept.environment['BACKFILL_MODEL_LOCAL_PATH'] ?? '', { recursive: true, force: true });
    }
  }, 120_000);
});
