/** By the rule of plan_create_index_workers and pgvector's ComputeParallelWorkers. */

import { describe, expect, it } from 'vitest';
import { planned } from '../../../src/finalize/build/parallel-workers.ts';

const MIB = 1024 ** 2;

describe('the parallel workers of an index build', () => {
  const facts = {
    allowed: 4,
    memory: 1024 * MIB,
    bytes: 100 * MIB,
    minBytes: 8 * MIB,
    ofTable: null,
    method: 'ivfflat' as const,
  };
  it.each([
    ['by the size of the table', {}, 3],
    ['none for a small table', { bytes: 8 * MIB - 1 }, 0],
    ['the first one', { bytes: 8 * MIB }, 1],
    ['no more than are allowed', { allowed: 2 }, 2],
    ['none where none is allowed', { allowed: 0 }, 0],
    ['each with 32 MB at least', { memory: 64 * MIB }, 1],
    ['none with less', { memory: 63 * MIB }, 0],
    ['however small the table', { minBytes: 0, bytes: 0 }, 4],
    ['as the table says', { ofTable: 1, bytes: 0 }, 1],
    ['all of them for HNSW, as soon as there is one', { method: 'hnsw' as const, bytes: 8 * MIB }, 4],
    ['none for HNSW neither', { method: 'hnsw' as const, bytes: MIB }, 0],
  ])('%s', (_, changes, workers) => {
    expect(planned({ ...facts, ...changes })).toBe(workers);
  });
});
