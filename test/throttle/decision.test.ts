import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Limits } from '../../src/ledger/progress/throttle-state.ts';
import { decide } from '../../src/throttle/decision.ts';
import {
  SIGNALS,
  formatValue,
  type Reading,
  type Readings,
  type SignalName,
} from '../../src/throttle/signals.ts';

const OFF: Limits = { hold: null, stop: null };
const readings = (some: Partial<Record<SignalName, Reading>>): Readings =>
  ({ ...Object.fromEntries(SIGNALS.map(({ name }) => [name, { value: 0 }])), ...some }) as Readings;
const limits =
  (some: Partial<Record<SignalName, Limits>>) =>
  (name: SignalName): Limits =>
    some[name] ?? OFF;
const LAG = limits({ replicaLag: { hold: 2, stop: 60 } });

describe('the verdict', () => {
  it('goes below every threshold, holds at one, stops at the other, with the reason in words', () => {
    const at = (value: number): [string, string] => {
      const { verdict, reason } = decide(readings({ replicaLag: { value } }), LAG, []);
      return [verdict, reason];
    };
    expect(at(1.9)).toEqual(['go', '']);
    expect(at(2.4)).toEqual(['hold', 'replica lag 2.4 s (holds at 2 s)']);
    expect(at(60)).toEqual(['stop', 'replica lag 60 s (stops at 60 s)']);
  });

  it('names every signal that holds', () => {
    const { reason } = decide(
      readings({ slotBacklog: { value: 3 * 1024 ** 3 }, activeSessions: { value: 0.62 } }),
      limits({ slotBacklog: { hold: 1024 ** 3, stop: null }, activeSessions: { hold: 0.5, stop: null } }),
      [],
    );
    expect(reason).toBe('WAL kept for a slot 3 GB (holds at 1 GB); active sessions 62 % (holds at 50 %)');
  });

  it('lets go a little below the threshold that held, not at it', () => {
    const held = decide(readings({ replicaLag: { value: 2 } }), LAG, []).signals;
    expect(decide(readings({ replicaLag: { value: 1.9 } }), LAG, held).verdict).toBe('hold');
    expect(decide(readings({ replicaLag: { value: 1.7 } }), LAG, held).verdict).toBe('go');
  });

  it('goes on without what it cannot know, and says so; without what is switched off it says nothing', () => {
    const { verdict, signals } = decide(
      readings({
        replicaLag: { value: null, note: 'no right' },
        walRate: { value: null },
        lockWaiters: { value: 99 },
      }),
      limits({ replicaLag: { hold: 2, stop: 60 }, walRate: { hold: 1, stop: 2 } }),
      [],
    );
    expect(verdict).toBe('go');
    expect(signals.find(({ name }) => name === 'replicaLag')).toEqual({
      name: 'replicaLag',
      value: null,
      unit: 's',
      hold: 2,
      stop: 60,
      state: 'unknown',
      note: 'no right',
    });
    expect(signals.find(({ name }) => name === 'walRate')?.state).toBe('go');
    expect(signals.find(({ name }) => name === 'lockWaiters')).toMatchObject({ value: 99, state: 'off' });
  });

  it("holds while the operator's own check gives no answer, unless it is switched off", () => {
    const broken = readings({
      sqlValue: { value: null, note: 'throttle.sql failed: SQLSTATE 42P01', holds: true },
    });
    expect(decide(broken, limits({ sqlValue: { hold: 1, stop: null } }), [])).toMatchObject({
      verdict: 'hold',
      reason: "throttle.sql's value is not known: throttle.sql failed: SQLSTATE 42P01",
    });
    expect(decide(broken, limits({}), []).verdict).toBe('go');
  });

  it('calls a check that nobody has set up off, not fine', () => {
    const without = readings({ sqlValue: { value: null, off: true } });
    const { verdict, signals } = decide(without, limits({ sqlValue: { hold: 1, stop: null } }), []);
    expect(verdict).toBe('go');
    expect(signals.find(({ name }) => name === 'sqlValue')).toMatchObject({ state: 'off', hold: null });
  });

  it('is never milder for a worse value', () => {
    const order = ['go', 'hold', 'stop'];
    const value = fc.double({ min: 0, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(value, value, value, value, (one, other, first, second) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const given = { hold: Math.min(first, second), stop: Math.max(first, second) };
        const verdict = (lag: number): number =>
          order.indexOf(
            decide(readings({ replicaLag: { value: lag } }), limits({ replicaLag: given }), []).verdict,
          );
        expect(verdict(low)).toBeLessThanOrEqual(verdict(high));
      }),
    );
  });
});

it('values are shown with their units', () => {
  expect([
    formatValue(2.44, 's'),
    formatValue(1536, 'bytes'),
    formatValue(5 * 1024 ** 2, 'bytes/s'),
    formatValue(0, 'bytes'),
    formatValue(12, 'files'),
    formatValue(2, 'level'),
    formatValue(1, 'level'),
    formatValue(3, 'sessions'),
    formatValue(0.905, 'share'),
  ]).toEqual([
    '2.4 s',
    '1.5 kB',
    '5 MB/s',
    '0 B',
    '12 files',
    'to prevent wraparound',
    'running',
    '3',
    '90.5 %',
  ]);
});
