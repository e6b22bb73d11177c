/** The index of a run that is ready is built again, while reads go by it: the run stays what it is. */

import { quoteQualified } from '../db/identifiers.ts';
import { recordEvent } from '../ledger/event/event.ts';
import { saveIndexMeasurements } from '../ledger/run/index-measurements.ts';
import { saveIndexProgress } from '../ledger/run/index-progress.ts';
import { bytes } from '../observability/format.ts';
import { estimatedRows } from '../table/estimated-rows.ts';
import type { Target } from '../table/backfill-target.ts';
import { ensureIndex } from './build/ensure-index.ts';
import { indexParts } from './build/rebuild.ts';
import type { FinalizeInput } from './finalize.ts';
import { forecastBuild } from './forecast/index-build.ts';
import { wantedIndex } from './index-definition.ts';
import { buildReporter } from './report-build.ts';

export type RebuildInput = Omit<FinalizeInput, 'force' | 'pass'>;

export interface Rebuilt {
  kind: 'rebuilt';
  index: string;
  /** False where whoever came before had done it. */
  built: boolean;
  seconds: number | null;
  bytesBefore: number;
  bytes: number;
}

export const indexOf = ({ store: { schema }, indexName: name }: Target): string =>
  quoteQualified({ schema, name });

/** @param oids of the indexes when it was asked: those that have others are new already */
export async function rebuildIndex(input: RebuildInput, oids: readonly string[]): Promise<Rebuilt> {
  const { pool, target, settings, run, logger } = input;
  const vectors = Math.round(await estimatedRows(pool, target.store.table));
  const wanted = wantedIndex(target, settings, vectors);
  const index = { name: wanted.name, method: wanted.method };
  const sum = async (): Promise<number> =>
    (await indexParts(pool, indexOf(target))).reduce((total, part) => total + part.bytes, 0);
  const bytesBefore = await sum();
  const forecast = await forecastBuild(input, target, vectors);
  try {
    const { built, actual, notices } = await ensureIndex({
      pool,
      target,
      settings,
      logger,
      wanted,
      dimensions: run.dimensions,
      rows: vectors,
      rebuild: oids,
      onProgress: buildReporter(input, wanted),
      onEvent: (event) => recordEvent(pool, { backfill: target.backfill, run: run.id, ...event }),
      signal: input.signal,
    });
    const { seconds, sizeBytes } = actual;
    if (built) {
      await saveIndexMeasurements(pool, run.id, forecast, actual);
      await recordEvent(pool, {
        backfill: target.backfill,
        run: run.id,
        level: 'info',
        kind: 'index.rebuilt',
        message: `${wanted.name} (${wanted.method}) in ${seconds === null ? 'unknown' : seconds.toFixed(1)} s: ${bytes(sizeBytes)}, ${bytes(bytesBefore)} before`,
        detail: { notices },
      });
      logger.info({ index: wanted.name, seconds, sizeBytes, bytesBefore, notices }, 'index rebuilt');
    }
    return { kind: 'rebuilt', index: wanted.name, built, seconds, bytesBefore, bytes: sizeBytes };
  } finally {
    // The index is valid all the time: what is told of a build is not to stay.
    await saveIndexProgress(pool, run.id, { ...index, phase: 'valid', progress: 1, seconds: null }).catch(
      () => {},
    );
  }
}
