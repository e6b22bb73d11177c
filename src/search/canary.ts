/** Which reads the vector search answers while only a share of them is moved over. */

import { createHash } from 'node:crypto';

const BUCKETS = 10_000;

/**
 * The same for the same key, in every process. Whoever is in at one percentage is in at any higher one; another backfill
 * chooses others.
 */
export function isInCanary(backfill: string, key: string, percent: number): boolean {
  const digest = createHash('sha256').update(`${backfill}\n${key}`).digest();
  return digest.readUInt32BE(0) % BUCKETS < percent * (BUCKETS / 100);
}
