import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { nextNotification, rowOf, useEmbeddedServer } from './harness.ts';

const server = useEmbeddedServer();

/** All that a client has been notified of, as `channel:payload`. */
function record(client: Client): string[] {
  const seen: string[] = [];
  client.on('notification', ({ channel, payload }) => seen.push(`${channel}:${payload ?? ''}`));
  return seen;
}

test('a notification reaches every listener and nobody else, with the sender known', async () => {
  const [sender, one, two, deaf] = [
    await server.client(),
    await server.client(),
    await server.client(),
    await server.client(),
  ];
  const unheard = record(deaf);
  await one.query('LISTEN news');
  await two.query('LISTEN news');
  const both = Promise.all([nextNotification(one), nextNotification(two)]);
  await sender.query('SELECT pg_notify($1, $2)', ['news', 'äöü']);
  for (const notification of await both) {
    expect(notification).toMatchObject({
      channel: 'news',
      payload: 'äöü',
      processId: (sender as unknown as { processID: number }).processID,
    });
  }
  await deaf.query('SELECT 1');
  expect(unheard).toEqual([]);
});

test('a client hears itself before its own answer is complete', async () => {
  const client = await server.client();
  const seen = record(client);
  await client.query("LISTEN echo; NOTIFY echo, 'hello'");
  expect(seen).toEqual(['echo:hello']);
});

test('what a transaction sends comes at its commit, or never', async () => {
  const [sender, listener] = [await server.client(), await server.client()];
  const seen = record(listener);
  await listener.query('LISTEN ledger');
  await sender.query('BEGIN');
  await sender.query("NOTIFY ledger, 'rolled back'");
  await sender.query('ROLLBACK');
  await sender.query('BEGIN');
  await sender.query("NOTIFY ledger, 'committed'");
  expect(seen).toEqual([]);
  const heard = nextNotification(listener);
  await sender.query('COMMIT');
  await heard;
  expect(seen).toEqual(['ledger:committed']);
});

test('a LISTEN that is rolled back hears nothing', async () => {
  const [sender, listener] = [await server.client(), await server.client()];
  const seen = record(listener);
  await listener.query('BEGIN');
  await listener.query('LISTEN undone');
  await listener.query('ROLLBACK');
  await sender.query("NOTIFY undone, 'x'");
  await listener.query('SELECT 1');
  expect(seen).toEqual([]);
});

test('UNLISTEN of one client, and its leaving, do not deafen the others', async () => {
  const [sender, stays, stops, leaves] = [
    await server.client(),
    await server.client(),
    await server.client(),
    await server.client(),
  ];
  for (const client of [stays, stops, leaves]) await client.query('LISTEN shared');
  const stopped = record(stops);
  await stops.query('UNLISTEN *');
  await leaves.end();
  const heard = nextNotification(stays);
  await sender.query("NOTIFY shared, 'still here'");
  expect((await heard).payload).toBe('still here');
  await stops.query('SELECT 1');
  expect(stopped).toEqual([]);
});

test('channel names keep their case in quotes, and fold without', async () => {
  const [sender, listener] = [await server.client(), await server.client()];
  const seen = record(listener);
  await listener.query('LISTEN "Mixed ""Case"; LISTEN FoldED');
  await sender.query(`NOTIFY "Mixed ""Case", '1'; NOTIFY folded, '2'; NOTIFY "FoldED", '3'`);
  await expect.poll(() => seen).toEqual(['Mixed "Case:1', 'folded:2']);
  await listener.query('UNLISTEN "Mixed ""Case"');
  await sender.query(`NOTIFY "Mixed ""Case", '4'; NOTIFY folded, '5'`);
  await expect.poll(() => seen).toEqual(['Mixed "Case:1', 'folded:2', 'folded:5']);
});

test('the session listens to nothing when all listeners are gone', async () => {
  const [listener, observer] = [await server.client(), await server.client()];
  await listener.query('LISTEN deserted');
  const channels = () => rowOf(observer, 'SELECT count(*)::int AS n FROM pg_listening_channels()');
  expect(await channels()).toEqual({ n: 1 });
  await listener.end();
  await expect.poll(channels).toEqual({ n: 0 });
});
