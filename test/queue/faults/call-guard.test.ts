/** What BullMQ's calls of a server that fails come to: a limit, a pause, words, and a line a cause. */

import { ErrorCode } from 'bullmq';
import { expect, it } from 'vitest';
import { createLogger, type LogStream } from '../../../src/observability/logger.ts';
import { CallGuard, QueueError } from '../../../src/queue/faults/call-guard.ts';
import { Outage } from '../../../src/queue/faults/outage.ts';
import type { Transport } from '../../../src/queue/transport.ts';

const OOM = new Error("OOM command not allowed when used memory > 'maxmemory'.");

function listening(now?: () => number): { outage: Outage; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => lines.push(JSON.parse(line) as never), isTTY: false };
  return {
    lines,
    outage: new Outage(createLogger('info', stream as unknown as LogStream), 'redis://a', now),
  };
}

function guarded(limitMs: number) {
  const { outage, lines } = listening();
  let connection = 1;
  const transport = {
    connectionOf: () => connection,
    renew: (_backend: object, _call: string, began: unknown) => {
      if (began === connection) connection++;
      return true;
    },
  } as unknown as Transport;
  const guard = new CallGuard({ name: 'docs-embed', url: 'redis://a', outage, transport, limitMs });
  return { guard, outage, lines, connections: () => connection };
}

it('a call that is never answered fails, and the next one has a new connection, made once', async () => {
  const { guard, connections, outage } = guarded(20);
  const backend = guard.guardWorker(
    new (class {
      async extendLocks(): Promise<void> {
        await new Promise(() => {});
      }
    })(),
  );
  const failed = await Promise.allSettled([backend.extendLocks(), backend.extendLocks()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(connections()).toBe(2);
  expect(outage.current()).toMatchObject({ kind: 'silent', times: 2 });
});

it('a job that is another worker’s by now is no fault of the server', async () => {
  const { guard, lines, outage } = guarded(1000);
  class Backend {
    async moveToFinished(): Promise<never> {
      await Promise.resolve();
      throw Object.assign(new Error('Missing lock for job embed-1. moveToFinished'), {
        code: ErrorCode.JobLockNotExist,
      });
    }
  }
  await expect(guard.guardWorker(new Backend()).moveToFinished()).rejects.toThrow('Missing lock');
  expect([lines, outage.current()]).toEqual([[], null]);
});

it('what a worker has done is said until it is heard, and no longer than the worker lives', async () => {
  let refusals = 2;
  class Backend {
    async moveToCompleted(): Promise<string> {
      await Promise.resolve();
      if (refusals-- > 0) throw OOM;
      return 'heard';
    }
  }
  const { guard, lines, outage } = guarded(1000);
  await expect(guard.guardWorker(new Backend()).moveToCompleted()).resolves.toBe('heard');
  expect(lines).toMatchObject([
    { queueName: 'docs-embed', cause: 'full', msg: expect.stringContaining('it is full') as string },
    { queueName: 'docs-embed', times: 2, msg: expect.stringContaining('there again') as string },
  ]);
  expect(outage.current()).toBeNull();
  refusals = Infinity;
  const ended = guard.guardWorker(new Backend()).moveToCompleted();
  guard.end();
  await expect(ended).rejects.toBe(OOM);
});

it('what is asked of a queue that is closed fails, whether it is answered or not', async () => {
  const { guard, lines } = guarded(60_000);
  const queue = guard.guardQueue(
    new (class {
      async getCounts(): Promise<void> {
        await new Promise(() => {});
      }
    })(),
  );
  const asked = queue.getCounts();
  guard.end();
  await expect(asked).rejects.toBeInstanceOf(QueueError);
  await expect(queue.getCounts()).rejects.toBeInstanceOf(QueueError);
  expect(lines).toEqual([]);
});

it('a producer is told in words, with the remedy', async () => {
  const { guard } = guarded(1000);
  const queue = guard.guardQueue(
    new (class {
      async addJobs(): Promise<void> {
        await Promise.reject(OOM);
      }
    })(),
  );
  const refused = await queue.addJobs().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(QueueError);
  expect(refused).toMatchObject({
    message: expect.stringContaining('it is full') as string,
    remedy: expect.stringContaining('maxmemory') as string,
    cause: OOM,
  });
});

it('one cause is one line, then counted at growing intervals, whatever queue meets it and however often', () => {
  let now = 0;
  const { outage, lines } = listening(() => now);
  for (let at = 0; at < 3600; at++) {
    for (const queue of ['docs-embed', 'docs-sync'])
      for (let again = 0; again < 10; again++) outage.saw(queue, OOM, 'moveToActive');
    now += 1000;
  }
  expect(lines.map(({ times }) => times)).toEqual([
    1, 1201, 3601, 8401, 18_001, 30_001, 42_001, 54_001, 66_001,
  ]);
  outage.worked('docs-embed', 'moveToActive');
  expect(outage.current()).toMatchObject({ kind: 'full', times: 72_000 });
  outage.worked('docs-sync', 'moveToActive');
  expect(outage.current()).toBeNull();
  // A cause that comes and goes is no new one.
  for (let at = 0; at < 100; at++) {
    outage.saw('docs-embed', OOM, 'moveToActive');
    outage.worked('docs-embed', 'moveToActive');
  }
  expect(lines).toHaveLength(10);
});
