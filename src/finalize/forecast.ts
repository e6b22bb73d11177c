/** What an index will take, before it is built. Figures from pgvector's own structures (src/hnsw.h, src/ivfflat.h). */

const PAGE_BYTES = 8192;
/** Page minus header and the HNSW page's special space. */
const USABLE_PAGE_BYTES = 8160;

/** PostgreSQL aligns values and tuples to 8 bytes. */
const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const vectorBytes = (dimensions: number): number => 4 * dimensions + 8;

/** Bytes of memory per row while an HNSW graph is built in memory; `m` is the index's m. */
export function hnswGraphBytesPerRow(dimensions: number, m: number): number {
  return (
    aligned(vectorBytes(dimensions)) + 128 + 8 * (1 + 1 / (m - 1)) + (8 + 32 * m) + (8 + 16 * m) / (m - 1)
  );
}

/** Size of an HNSW index on disk, bytes. */
export function hnswIndexBytes(rows: number, dimensions: number, m: number): number {
  const rowBytes = aligned(72 + vectorBytes(dimensions)) + aligned(4 + 12 * m) + 8;
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
  return {
    rows,
    graphBytes: hnsw ? Math.ceil(rows * hnswGraphBytesPerRow(dimensions, index.m)) : null,
    indexBytes: hnsw
      ? hnswIndexBytes(rows, dimensions, index.m)
      : Math.ceil(rows * (vectorBytes(dimensions) + 16) * 1.05),
    heapBytes: rows * vectorBytes(dimensions),
    stageBytes: Math.ceil(rows * stageRow),
  };
}
