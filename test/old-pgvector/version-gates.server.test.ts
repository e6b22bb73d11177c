/** What the age of pgvector changes. Runs on whatever version the server has; the check run has it on 0.8.0 and on a newer one. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWorkers } from '../../workers/process.ts';
import { silentLogger, type Logger } from '../../src/observability/logger.ts';
import { articles } from '../../src/demo/articles.ts';
import { loadArticles } from '../../src/demo/load-articles.ts';
import {
  FULL_VERSION,
  SOUND_VACUUM_VERSION,
  findAvailableExtension,
  isAtLeast,
} from '../../src/table/vector-extension.ts';
import { openBackfill, untilSettled, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

/** Keeps what was logged. */
function recordingLogger(lines: { facts: Record<string, unknown>; message: string }[]): Logger {
  const keep = (facts: unknown, message?: unknown): void =>
    void lines.push({ facts: facts as Record<string, unknown>, message: String(message) });
  return {
    ...silentLogger,
    info: keep,
    warn: keep,
    error: keep,
    child: () => recordingLogger(lines),
  } as unknown as Logger;
}

describe.each(databases())('gates by the version of pgvector on $name', ({ create }) => {
  const model = sampleModel();
  let backfill: TestBackfill;
  let version: string;
  let full: boolean;
  beforeEach(async () => {
    backfill = await openBackfill(await create(), model, {
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title,body',
    });
    await loadArticles(backfill.pool, articles());
    version = (await findAvailableExtension(backfill.pool)).available ?? '';
    full = isAtLeast(version, FULL_VERSION);
  });
  afterEach(() => backfill.close());

  it('doctor names an older version and what it costs, and nothing where it is new', async () => {
    const { code, json } = await runCommand('doctor', ['--json'], backfill.env);
    expect(code).toBe(0);
    const { findings } = json() as { findings: { check: string; level: string; message: string }[] };
    expect(findings).toContainEqual(expect.objectContaining({ check: 'pgvector', level: 'ok' }));
    const gate = findings.find(
      (finding) => finding.check === 'pgvector-version' && finding.message.includes(FULL_VERSION),
    );
    if (full) expect(gate).toBeUndefined();
    else
      expect(gate).toMatchObject({
        level: 'warn',
        message: expect.stringContaining(`pgvector ${version} is older than ${FULL_VERSION}`) as string,
      });
    // At most one: what costs more is said of the oldest ones, vacuum's faults of the others.
    const warned = findings.filter((finding) => finding.check === 'pgvector-version');
    expect(warned).toHaveLength(isAtLeast(version, SOUND_VACUUM_VERSION) ? 0 : 1);
  });

  it('an older version never builds the index in parallel, and the gate says which version it saw', async () => {
    await backfill.enqueue();
    const lines: { facts: Record<string, unknown>; message: string }[] = [];
    const workers = await startWorkers(backfill.config, backfill.pool, recordingLogger(lines));
    expect(await untilSettled(backfill.pool, backfill.config.backfill)).toMatchObject({
      state: 'ready',
      index: { valid: true },
    });
    await workers.drain();
    const session = lines.find((line) => line.message === 'index session')?.facts;
    expect(session).toMatchObject({ pgvector: version });
    const own = (
      await backfill.pool.query<{ own: string }>(
        `SELECT current_setting('max_parallel_maintenance_workers') AS own`,
      )
    ).rows[0]?.own;
    expect(session?.['workers']).toBe(full ? own : '0');
    const check = (await backfill.verify()).checks.find((each) => each.name === 'extension-version');
    expect(check).toMatchObject({ passed: true, value: version, threshold: FULL_VERSION });
    expect(check?.detail.includes(`older than ${FULL_VERSION}`)).toBe(!full);
  });
});
