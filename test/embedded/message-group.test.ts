import { array, assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, frame, cstring, query, SYNC, type Frame } from '../../src/embedded/frames.ts';
import { StatementNames } from '../../src/embedded/statement-names.ts';
import { MessageGroupCollector, type Step } from '../../src/embedded/message-group.ts';
import { bind, COPY_DONE, copyData, execute, parse } from './wire.ts';

const asFrame = (bytes: Buffer): Frame => ({ type: String.fromCharCode(bytes[0] ?? 0), bytes });

function pushAll(collector: MessageGroupCollector, ...messages: Buffer[]): Step[] {
  return messages.map((bytes) => collector.push(asFrame(bytes)));
}

function typesOf(messages: Buffer): string {
  const reader = new FrameReader();
  reader.untyped = false;
  reader.push(messages);
  let types = '';
  for (let next = reader.next(); next !== undefined; next = reader.next()) types += next.type;
  return types;
}

const lastGroup = (steps: Step[]) => {
  const last = steps.at(-1);
  if (last?.kind !== 'group') throw new Error(`no group but ${last?.kind}`);
  return last.group;
};

test('messages come out whole, however the stream is cut', () => {
  const messages = [query('SELECT 1'), SYNC, copyData('x'.repeat(300)), frame('p', cstring('pass'))];
  const stream = Buffer.concat(messages);
  assert(
    property(array(integer({ min: 0, max: stream.length }), { maxLength: 20 }), (cuts) => {
      const reader = new FrameReader();
      reader.untyped = false;
      const found: Buffer[] = [];
      const ends = [...cuts.sort((a, b) => a - b), stream.length];
      let start = 0;
      for (const end of ends) {
        reader.push(stream.subarray(start, end));
        start = end;
        for (let next = reader.next(); next !== undefined; next = reader.next()) found.push(next.bytes);
      }
      expect(found).toEqual(messages);
    }),
  );
});

test('COPY data over the limit are dropped, and the COPY is failed in the end', () => {
  const collector = new MessageGroupCollector(new StatementNames(1), 1000);
  const row = copyData('x'.repeat(300));
  const steps = pushAll(collector, query('COPY t FROM STDIN'), row, row, row, row, row, COPY_DONE);
  const group = lastGroup(steps);
  // The query, the failure, and the stop for COPYs that nobody saw coming.
  expect(typesOf(group.messages)).toBe('Qff');
  expect(group.messages.toString()).toContain('more than 1000 bytes in one COPY');
});

test('what is too large outside of COPY ends the connection', () => {
  const collector = new MessageGroupCollector(new StatementNames(1), 1000);
  expect(() => pushAll(collector, parse('', 'x'.repeat(600)), parse('', 'x'.repeat(600)))).toThrow(
    '1000 bytes',
  );
});

test('statements get names of their own; those of a COPY ask for its data when they are bound again', () => {
  const names = new StatementNames(7);
  const collector = new MessageGroupCollector(names);
  pushAll(collector, parse('load', 'COPY t FROM STDIN'), SYNC);
  const steps = pushAll(collector, bind('', 'load'), execute(''), SYNC);
  expect(steps.at(-1)?.kind).toBe('ask-for-copy-data');
  const group = lastGroup(pushAll(collector, copyData('1\n'), COPY_DONE, SYNC));
  expect(typesOf(group.messages)).toBe('BEdcfS');
  expect(group.messages.toString()).not.toContain('load');
  expect(names.serverNames).toEqual(['client_7_0']);
});

test('data and ends of a COPY that is over are ignored', () => {
  const collector = new MessageGroupCollector(new StatementNames(1));
  expect(pushAll(collector, copyData('late'), COPY_DONE, frame('f', cstring('late')))).toEqual([
    { kind: 'more' },
    { kind: 'more' },
    { kind: 'more' },
  ]);
});

test('a query in the midst of COPY data is refused', () => {
  const collector = new MessageGroupCollector(new StatementNames(1));
  pushAll(collector, query('COPY t FROM STDIN'));
  expect(() => pushAll(collector, query('SELECT 1'))).toThrow('during COPY');
});
