import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { excerpts } from '../../src/masking/excerpts.ts';
import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createFinder } from '../../src/masking/masker.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { databases, type TestDatabase } from '../setup/databases.ts';

interface Shown {
  policy: { version: string; types: string[]; rules: string[] };
  rows: { key: string; before: string; after: string; counts: Record<string, number> }[];
  looked: number;
  masked: number;
  counts: Record<string, number>;
}

const ROWS = 300;

describe.each(databases())('the verb mask on $name', ({ create }) => {
  let database: TestDatabase;
  let pool: Pool;
  let folder: string;
  beforeAll(async () => {
    // A folder without configuration and without models.
    folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-mask-'));
    database = await create({ bare: true });
    pool = createPool(database.databaseUrl, { name: 'test', max: 2, logger: silentLogger });
    await pool.query('CREATE TABLE "Odd docs" (id int PRIMARY KEY, body text, hidden boolean DEFAULT false)');
    await pool.query(
      `INSERT INTO "Odd docs" (id, body)
       SELECT i, CASE WHEN i % 100 = 7 THEN 'Write to ann' || i || '@example.com or EMP-00' || 1000 + i
                      WHEN i % 100 = 8 THEN ' ' WHEN i % 100 = 9 THEN NULL ELSE 'bread and butter' END
         FROM generate_series(1, $1) i`,
      [ROWS],
    );
    await pool.query(`INSERT INTO "Odd docs" VALUES (1000, 'bob@example.com', true)`);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
    await rm(folder, { recursive: true });
  });

  const run = (...args: string[]): Promise<CommandResult> =>
    runCommand(
      'mask',
      args,
      {
        DATABASE_URL: database.databaseUrl,
        BACKFILL_TABLE: '"Odd docs"',
        BACKFILL_TEXT: 'body',
        BACKFILL_WHERE: 'NOT hidden',
        BACKFILL_MASK_RULES: JSON.stringify([{ name: 'employee', pattern: 'EMP-\\d{6}' }]),
        BACKFILL_LOG_LEVEL: 'silent',
      },
      folder,
    );

  it('prefers rows where something is masked, and changes nothing', async () => {
    const { code, json } = await run('--sample', '20', '--json');
    expect(code).toBe(0);
    const { rows, ...summary } = json() as Shown;
    expect(summary).toEqual({
      policy: {
        version: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        types: [...MASK_TYPES],
        rules: ['employee'],
      },
      looked: ROWS - 6,
      masked: 3,
      counts: { email: 3, employee: 3 },
    });
    expect(rows).toHaveLength(20);
    expect(
      rows
        .slice(0, 3)
        .map((row) => row.key)
        .sort(),
    ).toEqual(['107', '207', '7']);
    for (const row of rows.slice(0, 3)) {
      expect(row.before).toContain('@example.com');
      expect(row.after).toBe('Write to [EMAIL] or [EMPLOYEE]');
      expect(row.counts).toEqual({ email: 1, employee: 1 });
    }
    expect(rows[3]).toMatchObject({ before: 'bread and butter', after: 'bread and butter', counts: {} });
    const left = await pool.query<{ schemas: number; columns: number }>(
      `SELECT (SELECT count(*)::int FROM pg_namespace WHERE nspname = 'pgvector_backfill') AS schemas,
              (SELECT count(*)::int FROM pg_attribute WHERE attrelid = '"Odd docs"'::regclass AND attnum > 0) AS columns`,
    );
    expect(left.rows[0]).toEqual({ schemas: 0, columns: 3 });
  });

  it('shows before and after for people', async () => {
    const { code, stdout } = await run('--sample', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^row \d+: 1 email, 1 employee\n {2}before {2}Write to ann\d+@example\.com or EMP-\d{6}\n {2}after {3}Write to \[EMAIL\] or \[EMPLOYEE\]\n/,
    );
    expect(stdout).toMatch(/rows looked at, 3 with something masked/);
    expect(stdout).toMatch(/policy [0-9a-f]{16}: email, .*, employee\n$/);
  });

  it('says so where nothing is masked at all', async () => {
    const { code, stdout } = await run('--sample', '1', '--mask', 'none', '--mask-rules', '[]');
    expect(code).toBe(0);
    expect(stdout).toContain('policy none: nothing is masked');
  });

  it('refuses a rule that RE2 does not take', async () => {
    const rules = JSON.stringify([{ name: 'twice', pattern: '(a)\\1' }]);
    const { code, stderr } = await run('--mask-rules', rules);
    expect(code).toBe(2);
    for (const word of ['MASK_RULE', 'mask.rules', 'twice', 'RE2']) expect(stderr).toContain(word);
  });
});

it.each(['0', '1001', '2.5', 'many', '', '-1'])('--sample=%s is refused', async (sample) => {
  const { code, stderr } = await runCommand('mask', [`--sample=${sample}`], {});
  expect(code).toBe(2);
  expect(stderr).toContain('--sample must be a whole number from 1 to 1000');
});

describe('excerpts', () => {
  const find = createFinder({ types: ['email'], rules: [] });
  const shown = (text: string): unknown => excerpts(text, find(text));
  const filler = 'bread and butter '.repeat(100);

  it('are the surroundings of each change', () => {
    const found = excerpts(
      `${filler}a@b.cd ${filler}a@b.cd, b@c.de`,
      find(`${filler}a@b.cd ${filler}a@b.cd, b@c.de`),
    );
    expect(found).toHaveLength(2);
    expect(found[0]?.after).toMatch(/^….{160}\[EMAIL\].{160}…$/);
    expect(found[0]?.before).toMatch(/^….{160}a@b\.cd.{160}…$/);
    expect(found[1]?.after).toMatch(/^….{160}\[EMAIL\], \[EMAIL\]$/);
  });

  it('are the beginning where nothing changed', () => {
    expect(shown('short')).toEqual([{ before: 'short', after: 'short' }]);
    expect(shown(filler)).toEqual([
      { before: `${filler.slice(0, 320)}…`, after: `${filler.slice(0, 320)}…` },
    ]);
  });

  it('do not pass on what a terminal would obey', () => {
    expect(shown('\u001b[2J a@b.cd\r\n\u202eb')).toEqual([
      { before: '\ufffd[2J a@b.cd \ufffdb', after: '\ufffd[2J [EMAIL] \ufffdb' },
    ]);
  });
});
