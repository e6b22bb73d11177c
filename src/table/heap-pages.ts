/**
 * How rows lie on pages, and what of them goes out of line. By PostgreSQL's own rules (src/include/storage/bufpage.h,
 * src/include/access/heaptoast.h), of its default page.
 */

export const PAGE_BYTES = 8192;
const PAGE_HEADER_BYTES = 24;
const LINE_POINTER_BYTES = 4;
/** Beyond it, a row's largest values move out of line until it is at most as large (TOAST_TUPLE_THRESHOLD). */
const MAX_INLINE_BYTES = 2032;
/** What stays of a value that is out of line. */
export const TOAST_POINTER_BYTES = 18;
/** Of a value out of line, a row each (TOAST_MAX_CHUNK_SIZE). */
const CHUNK_BYTES = 1996;
/** Tuple header, value's id, chunk's number and length. */
const CHUNK_OVERHEAD_BYTES = 36;
/** Of the index of the out-of-line table: two numbers, headers, pages filled to nine tenths. */
const CHUNK_INDEX_BYTES = 23;

/** Values and tuples are aligned to 8 bytes. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Bytes of pages that such rows fill one after another, a page's rest being left where the next one does not fit. */
export function pagesBytes(tuples: readonly number[], fillFactor = 100): number {
  // What fillfactor keeps free; a page takes one row at least.
  const room = PAGE_BYTES - PAGE_HEADER_BYTES - Math.floor((PAGE_BYTES * (100 - fillFactor)) / 100);
  let pages = 0;
  let left = 0;
  for (const tuple of tuples) {
    const taken = aligned(tuple) + LINE_POINTER_BYTES;
    if (taken > left) {
      pages++;
      left = room;
    }
    left -= taken;
  }
  return pages * PAGE_BYTES;
}

export interface StoredRow {
  /** Of the row in the table itself. */
  tuple: number;
  /** Of the rows of its value out of line. */
  chunks: number[];
}

/** @param tuple bytes of the row without the value, header included. @param value bytes of the one that is by far its largest */
export function storedRow(tuple: number, value: number): StoredRow {
  if (aligned(tuple + value) <= MAX_INLINE_BYTES) return { tuple: tuple + value, chunks: [] };
  const chunks: number[] = [];
  for (let left = value - 4; left > 0; left -= CHUNK_BYTES)
    chunks.push(CHUNK_OVERHEAD_BYTES + Math.min(left, CHUNK_BYTES));
  return { tuple: tuple + TOAST_POINTER_BYTES, chunks };
}

/** Of the table of values out of line and its index. */
export const chunksBytes = (chunks: readonly number[]): number =>
  pagesBytes(chunks) + chunks.length * CHUNK_INDEX_BYTES;
