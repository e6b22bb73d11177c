import type { Invocation } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import {
  examineColumn,
  sampleJson,
  type ColumnSample,
  type ExamineInput,
} from '../../src/planning/adopt/examine-column.ts';
import { sampleLines } from '../../src/terminal/adopt-lines.ts';
import { withProgress } from '../../src/terminal/progress-bar.ts';

/** Of `enqueue --adopt`: a sample of the vectors that are there. Null where the latest run goes on with what it takes over. */
export async function sampleColumn(
  invocation: Invocation,
  config: Config,
  pool: Pool,
  input: Pick<ExamineInput, 'target' | 'embedder' | 'limitRows'>,
): Promise<ColumnSample | null> {
  const examined = await withProgress(invocation, (onProgress) =>
    examineColumn(config, pool, { ...input, onProgress, signal: invocation.signal }),
  );
  if (examined.kind === 'goes-on') return null;
  const { sample } = examined;
  for (const line of sampleLines(config.settings.column, sample)) invocation.say(line);
  if (!sample.agrees)
    invocation.emit({
      error: {
        code: 'ADOPT_DISAGREES',
        message: `${sample.disagreed} of ${sample.sampled} sampled vectors of column ${config.settings.column} are not those of the model: ${sample.cause}.`,
        adoption: sampleJson(sample),
      },
    });
  return sample;
}

/** Beside what `enqueue` says. */
export const withSample = (result: object, sample: ColumnSample | null): object =>
  sample === null ? result : { ...result, adoption: sampleJson(sample) };
