/** With --exit-when-done: a worker ends where nothing is left that a worker could do. */

import { expect, it } from 'vitest';
import { isOver, wholeState } from '../../src/worker/until-over.ts';

const over = (state: Parameters<typeof isOver>[0]['state'], reason = '', open = 0): boolean =>
  isOver({ state, reason, batches: { pending: open, staged: 0, merged: 1, failed: 0, retries: 0 } });

it('is over where the run was stopped, whatever is still to do', () => {
  expect(over('failed', 'the model is missing', 3)).toBe(true);
  expect(over('paused', 'paused by the operator', 3)).toBe(true);
});

it('goes on while batches are to do', () => {
  for (const state of ['running', 'ready', 'cut_over', 'completed'] as const)
    expect(over(state, '', 1)).toBe(false);
});

it('is over where the run is finished, or there is none', () => {
  for (const state of ['ready', 'cut_over', 'completed', 'none'] as const) expect(over(state)).toBe(true);
});

it('is over where the run waits for the operator, not for its gate', () => {
  expect(over('running')).toBe(false);
  expect(over('running', 'coverage is below index.coverage')).toBe(true);
  expect(over('verifying')).toBe(false);
  expect(over('verifying', 'the index is built; the gate waits for the last batches')).toBe(false);
  expect(over('verifying', 'verify did not pass: recall')).toBe(true);
  expect(over('finalizing', 'building')).toBe(false);
});

it('says of several generations what an operator has to see to, else what the newest is at', () => {
  const states = (...of: Parameters<typeof over>[0][]): Parameters<typeof wholeState>[0] =>
    of.map((state, at) => ({ generation: at + 1, state }));
  expect(wholeState(states('failed', 'ready'))).toBe('failed');
  expect(wholeState(states('cut_over', 'paused'))).toBe('paused');
  expect(wholeState(states('cut_over', 'ready'))).toBe('ready');
  expect(wholeState([])).toBeUndefined();
});
