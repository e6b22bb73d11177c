/** What an index takes, before it is built. Sizes from pgvector's own structures (src/hnsw.h, src/ivfflat.h). */

import { PAGE_BYTES, aligned } from '../../table/heap-pages.ts';
import type { IndexPlan } from '../../table/index-plan.ts';
import { vectorBytes, type IndexedType } from '../../table/vector-type.ts';

/** Page minus header and the HNSW page's special space. */
const USABLE_PAGE_BYTES = 8160;

/** Of each piece that a build without parallel workers takes from its own memory; shared memory has no such headers. */
const CHUNK_HEADER_BYTES = 8;
/** Element, value, list of layers and neighbours of the lowest one. */
const CHUNKS_PER_ROW = 4;

export interface GraphShape {
  dimensions: number;
  /** The index's m. */
  m: number;
  type?: IndexedType;
  /** Whether parallel workers build it, in shared memory. */
  parallel: boolean;
}

/** Bytes of memory per row while an HNSW graph is built in memory. */
export function hnswGraphBytesPerRow({ dimensions, m, type = 'vector', parallel }: GraphShape): number {
  const upperLayers = 1 / (m - 1);
  const pieces =
    aligned(vectorBytes(dimensions, type)) +
    128 +
    8 * (1 + upperLayers) +
    (8 + 32 * m) +
    (8 + 16 * m) * upperLayers;
  return parallel ? pieces : pieces + CHUNK_HEADER_BYTES * (CHUNKS_PER_ROW + upperLayers);
}

/** What pgvector keeps of maintenance_work_mem for other things in a parallel build (3 MB), and as margin (1 MB). */
export const PARALLEL_RESERVE_BYTES = 4 * 1024 * 1024;

/** maintenance_work_mem with which the graph of these rows does not leave memory, bytes. */
export const hnswBuildBytes = (rows: number, shape: GraphShape): number =>
  Math.ceil(rows * hnswGraphBytesPerRow(shape)) + (shape.parallel ? PARALLEL_RESERVE_BYTES : 0);

/** Size of an HNSW index on disk, bytes. */
export function hnswIndexBytes(
  rows: number,
  dimensions: number,
  m: number,
  type: IndexedType = 'vector',
): number {
  const rowBytes = aligned(72 + vectorBytes(dimensions, type)) + aligned(4 + 12 * m) + 8;
  const rowsPerPage = Math.max(1, Math.floor(USABLE_PAGE_BYTES / rowBytes));
  return Math.ceil(rows / rowsPerPage) * PAGE_BYTES;
}

/** pgvector's advice: rows / 1000 up to a million rows, their square root beyond. */
export function ivfflatLists(rows: number): number {
  const lists = rows <= 1_000_000 ? rows / 1000 : Math.sqrt(rows);
  return Math.min(32_768, Math.max(1, Math.round(lists)));
}

/** An IVFFlat index on disk, bytes: its lists, each in pages of its own, and a page for every few centres. */
export function ivfflatIndexBytes(rows: number, { dimensions, lists, type }: ListsShape): number {
  const rowBytes = aligned(8 + vectorBytes(dimensions, type)) + 4;
  const rowsPerPage = Math.max(1, Math.floor(USABLE_PAGE_BYTES / rowBytes));
  // The last page of a list has room for half of its rows on average.
  const pages = rows / rowsPerPage + (lists * (rowsPerPage - 1)) / (2 * rowsPerPage);
  const centresPerPage = Math.max(
    1,
    Math.floor(USABLE_PAGE_BYTES / (aligned(8 + vectorBytes(dimensions, type)) + 4)),
  );
  return Math.ceil(pages + lists / centresPerPage + 1) * PAGE_BYTES;
}

export interface ListsShape {
  dimensions: number;
  lists: number;
  type: IndexedType;
}

/** Rows that pgvector draws for each list, and at least, to find the centres. */
const SAMPLES_PER_LIST = 50;
const MIN_SAMPLES = 10_000;

/** Rows that the centres are found on, where there are as many. */
export const ivfflatSamples = (lists: number): number => Math.max(lists * SAMPLES_PER_LIST, MIN_SAMPLES);

/** Memory to find the centres of an IVFFlat index, bytes: the build ends with an error where it does not get it. Source: src/ivfkmeans.c. */
export function ivfflatBuildBytes(rows: number, { dimensions, lists, type }: ListsShape): number {
  // Room is made for all samples, also where there are fewer rows.
  const room = ivfflatSamples(lists);
  const samples = Math.min(rows, room);
  const item = aligned(vectorBytes(dimensions, type));
  const bounds = 4 * (samples * lists + lists * lists);
  return room * item + samples * 8 + lists * (2 * item + 4 * dimensions + 12) + bounds;
}

export interface IndexResources {
  rows: number;
  /** The graph itself, bytes; null where the method has none. */
  graphBytes: number | null;
  /** maintenance_work_mem that the build asks for, bytes: for the graph not to spill, or for the centres of the lists. */
  memoryBytes: number;
  indexBytes: number;
  /** WAL of the build, bytes: every page of the index once, at its end. */
  walBytes: number;
}

export interface PlannedIndex extends IndexPlan {
  m: number;
  /** Of IVFFlat; by the rows where absent. */
  lists?: number | undefined;
  /** Whether parallel workers build it. */
  parallel: boolean;
  /** Rows of the largest single build, where the table is in parts; all of them where absent. */
  rowsAtOnce?: number;
}

export function forecastIndex(rows: number, dimensions: number, index: PlannedIndex): IndexResources {
  const { m, type, parallel, rowsAtOnce = rows, lists = ivfflatLists(rowsAtOnce) } = index;
  const hnsw = index.method === 'hnsw';
  const shape = { dimensions, lists, type };
  const graph = { dimensions, m, type, parallel };
  const graphBytes = hnsw ? Math.ceil(rowsAtOnce * hnswGraphBytesPerRow(graph)) : null;
  const indexBytes = hnsw ? hnswIndexBytes(rows, dimensions, m, type) : ivfflatIndexBytes(rows, shape);
  return {
    rows,
    graphBytes,
    memoryBytes: hnsw ? hnswBuildBytes(rowsAtOnce, graph) : ivfflatBuildBytes(rowsAtOnce, shape),
    indexBytes,
    walBytes: indexBytes,
  };
}

/** Rows that the graph had when it left maintenance_work_mem, by the server's own notice; null where it fitted. */
export function spilledAfter(notices: readonly string[]): number | null {
  const counts = notices.map(
    (notice) => /no longer fits into maintenance_work_mem after (\d+) tuples/.exec(notice)?.[1],
  );
  const count = counts.find((each) => each !== undefined);
  return count === undefined ? null : Number(count);
}
