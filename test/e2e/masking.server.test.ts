/**
 * Known values are planted in a table that is embedded by a server which keeps all that it is sent. Afterwards nothing but
 * the table itself may hold one of them: not what the model was given, no job, no log, no ledger row, no staged row.
 */

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FakeServer, items, json } from '../embedding/endpoint/fake-server.ts';
import { createDocs } from '../setup/docs-table.ts';
import { openBackfill, type TestBackfill } from '../setup/backfill.ts';
import { runCommand } from '../setup/command.ts';
import { databases } from '../setup/databases.ts';
import { everythingInRedis, everythingKept } from '../setup/kept.ts';
import { sampleModel } from '../setup/model.ts';

const PLANTED = {
  email: 'quentin.zabrowski@planted-example.org',
  phone: '+44 20 7946 0958',
  card: '4111 1111 1111 1111',
  iban: 'DE89 3704 0044 0532 0130 00',
  ip: '203.0.113.77',
  ssn: '123-45-6789',
  secret: 'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  badge: 'BADGE-778899',
};
const ROWS = 60;

const model = sampleModel();
let server: FakeServer;
beforeAll(async () => {
  server = await FakeServer.start();
  // Directions that differ from text to text.
  const vectorOf = (text: string): number[] =>
    [...createHash('sha256').update(text).digest()].map((byte) => byte - 127);
  server.behave(({ texts }, response) => json(response, { data: items(texts, vectorOf) }));
});
afterAll(async () => {
  await server.close();
});

/** The values as they are, and without their blanks. */
function leaks(where: string): string[] {
  const text = where.replaceAll(/\s+/g, ' ');
  return Object.entries(PLANTED)
    .filter(([, value]) => text.includes(value) || text.includes(value.replaceAll(' ', '')))
    .map(([type]) => type);
}

describe.each(databases())('masking on $name', ({ create }) => {
  let backfill: TestBackfill;
  afterEach(() => backfill.close());

  async function everythingElse(): Promise<string> {
    const kept = await everythingKept(backfill.pool, 'docs');
    expect(kept).toContain('pgvector_backfill.docs_embedding_stage');
    return kept;
  }

  it('keeps every planted value where it was, and counts what it masked', async () => {
    server.asked.length = 0;
    const database = await create();
    backfill = await openBackfill(database, model, {
      BACKFILL_TABLE: 'public.docs',
      BACKFILL_TEXT: 'body',
      BACKFILL_BATCH_ROWS: '7',
      BACKFILL_LOG_LEVEL: 'trace',
      BACKFILL_MODEL_ENDPOINT: `${server.origin}/v1`,
      BACKFILL_MODEL_API_KEY: 'sk-planted-key-of-the-model-server',
      BACKFILL_MASK_RULES: JSON.stringify([{ name: 'badge', pattern: 'BADGE-\\d{6}' }]),
    });
    await createDocs(backfill.pool);
    const types = Object.keys(PLANTED) as (keyof typeof PLANTED)[];
    for (let id = 1; id <= ROWS; id++) {
      const type = types[id % types.length] ?? 'email';
      await backfill.pool.query('INSERT INTO docs VALUES ($1, $2)', [
        id,
        `Note ${id} about ${'bread '.repeat(id % 9)}: reach ${PLANTED[type]} or not.`,
      ]);
    }
    const output: string[] = [];
    const enqueued = await runCommand('enqueue', ['--json'], backfill.env);
    const worker = await runCommand('worker', ['--exit-when-done', '--json'], backfill.env);
    const status = await runCommand('status', ['--json'], backfill.env);
    for (const { stdout, stderr } of [enqueued, worker, status]) output.push(stdout, stderr);
    expect([enqueued.code, worker.code, status.code]).toEqual([0, 0, 0]);

    const each = ROWS / types.length;
    const { masked, rows } = status.json() as { masked: Record<string, number>; rows: { embedded: number } };
    expect(rows.embedded).toBe(ROWS);
    expect(Object.keys(masked).sort()).toEqual([...types].sort());
    for (const type of types) expect(Math.abs((masked[type] ?? 0) - each)).toBeLessThan(1);

    const sent = server.asked.flatMap(({ texts }) => texts).join('\n');
    expect(sent).toContain('reach [EMAIL] or not.');
    expect(sent).toContain('reach [BADGE] or not.');
    expect({
      model: leaks(sent),
      output: leaks(output.join('\n')),
      database: leaks(await everythingElse()),
      redis: leaks(await everythingInRedis(database.queueUrl)),
    }).toEqual({ model: [], output: [], database: [], redis: [] });
    const key = 'sk-planted-key-of-the-model-server';
    const everything = [...output, await everythingElse(), await everythingInRedis(database.queueUrl)];
    // Not the whole text in the message of a failure.
    expect(everything.some((text) => text.includes(key))).toBe(false);
    // The search is the detector's own proof: it finds what is there.
    expect(leaks(JSON.stringify((await backfill.pool.query('SELECT body FROM docs')).rows))).toEqual(types);
  });
});
