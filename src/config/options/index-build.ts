/** The vector index, and what its build may take. */

import { z } from 'zod';
import { option, parseNumber } from '../option.ts';
import { wholeNumber } from './schemas.ts';

export const index = {
  method: option({
    schema: z.enum(['auto', 'hnsw', 'ivfflat']),
    fallback: 'hnsw' as const,
    help: 'Index method: hnsw, ivfflat, or auto: HNSW on vector, else on halfvec, else on bit, else IVFFlat, by memory, time and dimensions',
  }),
  type: option({
    schema: z.enum(['auto', 'vector', 'halfvec', 'bit']),
    fallback: 'auto' as const,
    help: 'Type of the indexed vectors: vector, halfvec (half the memory; an index on a cast if the column is of type vector), bit (one bit a dimension, HNSW only; candidates are compared by their vectors), or auto: vector up to 2,000 dimensions, halfvec up to 4,000',
  }),
  candidates: option({
    schema: wholeNumber(10, 1000),
    parse: parseNumber,
    fallback: 200,
    help: 'Index of type bit: minimum candidates of a search that are compared by their vectors; four for each row of the answer where that is more',
  }),
  buildMinutes: option({
    schema: z.number().positive().optional(),
    parse: parseNumber,
    help: 'Maximum minutes of the index build if index.method is auto; if not set, no limit',
  }),
  coverage: option({
    schema: z.number().min(0).max(1),
    parse: parseNumber,
    fallback: 0.99,
    help: 'Share of the rows with text that must be embedded before the index is built, 0 to 1',
  }),
  m: option({
    schema: wholeNumber(2, 100),
    parse: parseNumber,
    fallback: 16,
    help: 'HNSW: maximum connections per layer',
  }),
  efConstruction: option({
    schema: wholeNumber(4, 1000),
    parse: parseNumber,
    fallback: 64,
    help: 'HNSW: size of the candidate list during the build, at least 2 × index.m',
  }),
  lists: option({
    schema: wholeNumber(1, 32_768).optional(),
    parse: parseNumber,
    help: 'IVFFlat: number of lists; if not set, rows / 1000 up to a million rows, above that their square root',
  }),
  maintenanceWorkMem: option({
    schema: z
      .string()
      .regex(/^\d+\s*(kB|MB|GB)$/, { message: 'must be a size such as 512MB or 2GB' })
      .optional(),
    help: 'maintenance_work_mem of the index build, such as 2GB; if not set, the forecast of the graph, at most 1GB',
  }),
  parallelWorkers: option({
    schema: wholeNumber(0, 64).optional(),
    parse: parseNumber,
    help: 'max_parallel_maintenance_workers of the index build; if not set, that of the server',
  }),
};
