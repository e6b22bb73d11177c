import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPglite, type PgliteEngine } from '../../src/embedded/pglite.ts';
import { startGateway, type Gateway } from '../../src/embedded/gateway.ts';
import { rowOf } from './harness.ts';

let engine: PgliteEngine;
let gateway: Gateway;
beforeAll(async () => {
  engine = await openPglite({
    onCrash: (reason) => {
      throw new Error(reason);
    },
  });
  gateway = await startGateway(engine, {
    port: 0,
    idleTransactionLimitMs: 100,
    logger: { info: () => {} },
  });
});
afterAll(async () => {
  await gateway.close();
  await engine.close();
});

async function connected(): Promise<Client> {
  const client = new Client(`postgres://postgres@127.0.0.1:${gateway.port}/postgres`);
  await client.connect();
  return client;
}

test('a transaction that sits idle while another client waits is ended with the reason, instead of a hang', async () => {
  const [idle, waiting] = [await connected(), await connected()];
  const errors: Error[] = [];
  const ended = new Promise<void>((resolve) => idle.once('end', resolve));
  idle.on('error', (error) => errors.push(error));
  await idle.query('CREATE TABLE stalled (n int)');
  await idle.query('BEGIN');
  await idle.query('INSERT INTO stalled VALUES (1)');
  expect(await rowOf(waiting, 'SELECT count(*)::int AS n FROM stalled')).toEqual({ n: 0 });
  await ended;
  expect(errors[0]).toMatchObject({ code: '25P03' });
  await waiting.end();
});

test('a client that reads more slowly than it is answered leaves no listener behind', async () => {
  const warnings: Error[] = [];
  const heard = (warning: Error): void => void warnings.push(warning);
  process.on('warning', heard);
  const client = await connected();
  // Each answer is more than a socket takes at once; the eleventh listener would be told of.
  for (let answer = 0; answer < 12; answer++) await client.query(`SELECT repeat('x', 4000000)`);
  await new Promise(setImmediate);
  await client.end();
  process.off('warning', heard);
  expect(warnings).toEqual([]);
});
