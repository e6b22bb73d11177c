/** A run that an older release began, and this release finds. */

import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { sampleModel } from '../setup/model.ts';

const model = sampleModel();

const OLD_STEPS = ['0001_ledger.sql', '0002_embedding.sql', '0003_failures.sql', '0004_sync.sql'];
const ROWS = 40;

describe.each(databases())('the ledger of an older release on $name', ({ create }) => {
  let backfill: TestBackfill;
  beforeEach(async () => {
    backfill = await openBackfill(await create({ bare: true }), model, {
      BACKFILL_TABLE: 'docs',
      BACKFILL_TEXT: 'body',
    });
    const { pool } = backfill;
    await createDocs(pool, ROWS, `'bread and butter, loaf ' || n`);
    for (const name of OLD_STEPS) {
      await pool.query(await readFile(new URL(`../../src/db/migrations/${name}`, import.meta.url), 'utf8'));
      await pool.query('INSERT INTO pgvector_backfill.migration (version, name) VALUES ($1, $2)', [
        Number(name.slice(0, 4)),
        name,
      ]);
    }
    await pool.query(
      `INSERT INTO pgvector_backfill.backfill (name, target_table, key_column, stage_table, settings)
       VALUES ('docs', '"public"."docs"', 'id', '"public"."docs_embedding_stage"', '{"column": "embedding"}')`,
    );
    await pool.query(
      `INSERT INTO pgvector_backfill.run (backfill, state, fingerprint, model, dimensions, batch_rows)
       VALUES ('docs', 'paused', 'of another time', 'another', 3, 1000)`,
    );
  });
  afterEach(() => backfill.close());

  const verb = (name: string, ...args: string[]): Promise<CommandResult> =>
    runCommand(name, args, backfill.env);
  const versions = async (): Promise<number> =>
    (await backfill.pool.query('SELECT version FROM pgvector_backfill.migration')).rowCount ?? 0;

  it('is named by verbs that only look, with what to do', async () => {
    for (const args of [['status'], ['enqueue', '--dry-run']] as [string, ...string[]][]) {
      const { code, stderr } = await verb(...args);
      expect({ args, code }).toEqual({ args, code: 3 });
      expect(stderr).toMatch(/error LEDGER_OLDER: .* version 4/);
      expect(stderr).toContain('pgvector-backfill enqueue');
      expect(stderr).not.toContain('    at ');
    }
    const { code, stdout } = await verb('doctor', '--json');
    expect(code).toBe(0);
    expect(stdout).toContain('version 4, will be brought up to date');
    expect(await versions()).toBe(OLD_STEPS.length);
  });

  it('is brought up to date by the way back, which waits for nothing', async () => {
    const back = await verb('rollback', '--execute', '--json');
    expect(back).toMatchObject({ code: 0 });
    expect(JSON.parse(back.stdout)).toMatchObject({ action: 'rollback', from: 'legacy', to: 'legacy' });
    expect(await versions()).toBeGreaterThan(OLD_STEPS.length);
    expect(await verb('status')).toMatchObject({ code: 0 });
  });

  it('is no obstacle to a new run', async () => {
    await backfill.enqueue();
    const { state, rows } = await backfill.work();
    expect({ state, embedded: rows.embedded }).toEqual({ state: 'ready', embedded: ROWS });
    expect(await backfill.account()).toMatchObject({ eligible: ROWS, embedded: ROWS });
  });
});
