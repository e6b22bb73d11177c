import { describe, expect, it } from 'vitest';
import type { ReadChoice } from '../../../src/ledger/reads/read-mode.ts';
import {
  unknownGeneration,
  type GenerationState,
  type ReadState,
} from '../../../src/ledger/reads/read-state.ts';
import type { RunState } from '../../../src/ledger/run/run.ts';
import { ModelUse } from '../../../src/search/state/model-use.ts';

const LEGACY = { mode: 'legacy', generation: null } as const;
const VECTOR_1 = { mode: 'vector', generation: 1 } as const;
const generation = (number: number, state: RunState): GenerationState => ({
  ...unknownGeneration('a', number),
  run: { id: String(number), fingerprint: '', state },
});
const reads = (choice: Partial<ReadChoice>, ...generations: GenerationState[]): ReadState => ({
  mode: 'legacy',
  percent: null,
  generation: null,
  base: LEGACY,
  ...choice,
  generations,
  hasMore: true,
});
const names = (states: readonly GenerationState[]): string[] => states.map(({ name }) => name);

describe('models that a process has a use for', () => {
  it('are opened before reads move, by whoever answers by vectors, and once the generation is ready', () => {
    const use = new ModelUse({ now: () => 0 });
    const live = generation(1, 'cut_over');
    const warm = (state: ReadState, hasOpened = false): string[] => names(use.of(state, hasOpened).warm);
    expect(warm(reads({ mode: 'vector', generation: 1 }, live, generation(2, 'verifying')))).toEqual([]);
    expect(warm(reads({ mode: 'vector', generation: 1 }, live, generation(2, 'ready')))).toEqual(['a@2']);
    expect(warm(reads({}, generation(1, 'ready'), generation(2, 'ready')))).toEqual([]);
    const trial = { mode: 'canary', percent: 1, generation: 2, base: VECTOR_1 } as const;
    expect(warm(reads(trial, live, generation(2, 'verifying')))).toEqual(['a@2', 'a']);
    // Moved away from: not opened again by itself.
    expect(warm(reads({ mode: 'vector', generation: 1 }, live, generation(2, 'ready')))).toEqual([]);
    expect(
      names(
        new ModelUse({ now: () => 0 }).of(reads({}, generation(1, 'ready'), generation(2, 'ready')), true)
          .warm,
      ),
    ).toEqual(['a@2', 'a']);
  });

  it('are closed a while after the last read, sooner where the generation is gone', () => {
    let now = 0;
    const use = new ModelUse({ now: () => now });
    const live = generation(1, 'cut_over');
    const spare = (state: ReadState): string[] => use.spare(state, use.of(state, true).names, ['a', 'a@2']);
    const back = reads({ mode: 'vector', generation: 1 }, live, generation(2, 'ready'));
    expect(
      spare(reads({ mode: 'vector', generation: 2, base: VECTOR_1 }, live, generation(2, 'cut_over'))),
    ).toEqual([]);
    expect(spare(back)).toEqual([]);
    now = 599_999;
    expect(spare(back)).toEqual([]);
    // Asked for a vector by hand.
    use.touch('a@2');
    now = 600_000;
    expect(spare(back)).toEqual([]);
    now = 1_200_000;
    expect(spare(back)).toEqual(['a@2']);
    const gone = reads({ mode: 'vector', generation: 2 }, generation(2, 'cut_over'));
    expect(spare(gone)).toEqual([]);
    now += 60_000;
    expect(spare(gone)).toEqual(['a']);
  });
});
