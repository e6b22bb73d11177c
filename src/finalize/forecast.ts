/** What an index will take, before it is built. Figures from pgvector's own structures (src/hnsw.h, src/ivfflat.h). */

const PAGE_BYTES = 8192;
/** Page minus header and the HNSW page's special space. */
const USABLE_PAGE_BYTES = 8160;

/** PostgreSQL aligns values and tuples to 8 bytes. */
const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
/** Type of what is indexed; pgvector's `halfvec` has two bytes a dimension. */
export type IndexedType = 'vector' | 'halfvec';
const vectorBytes = (dimensions: number, type: IndexedType = 'vector'): number =>
  (type === 'vector' ? 4 : 2) * dimensions + 8;

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

export interface Forecast {
  rows: number;
  /** Memory to build the graph without spilling, bytes; null where the method has no graph. */
  graphBytes: number | null;
  indexBytes: number;
  /** WAL of the build, bytes: every page of the index once, at its end. */
  walBytes: number;
  /** New row versions of the legacy table by the merge, bytes, before a vacuum gives the old ones back. */
  heapBytes: number;
  stageBytes: number;
}

/** Tuple header, key, hash, batch and time of a staging row. */
const STAGE_ROW_OVERHEAD = 96;

export function forecast(
  rows: number,
  dimensions: number,
  index: { method: 'hnsw' | 'ivfflat'; m: number },
): Forecast {
  const hnsw = index.method === 'hnsw';
  const stageRow = vectorBytes(dimensions) + STAGE_ROW_OVERHEAD;
  const indexBytes = hnsw
    ? hnswIndexBytes(rows, dimensions, index.m)
    : Math.ceil(rows * (vectorBytes(dimensions) + 16) * 1.05);
  return {
    rows,
    graphBytes: hnsw
      ? Math.ceil(rows * hnswGraphBytesPerRow({ dimensions, m: index.m, parallel: true }))
      : null,
    indexBytes,
    walBytes: indexBytes,
    heapBytes: rows * vectorBytes(dimensions),
    stageBytes: Math.ceil(rows * stageRow),
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
