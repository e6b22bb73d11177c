import type { Claim } from '../ledger/claim.ts';
import type { KeyRange } from '../table/key-range.ts';
import { measured, type PipelineContext } from './pipeline-context.ts';
import { embedRows } from './embed-rows.ts';
import { mergePage } from './merge-rows.ts';
import { readWork, type WorkPage } from './read-rows.ts';
import { stagePage } from './stage-rows.ts';
import { readingOf, withReadableRows } from './unreadable-rows.ts';
import type { WrittenRows } from './written-rows.ts';

/**
 * Everything in the range that needs work, a page at a time: read, embedded, staged, merged. Keys of rows that cannot be
 * embedded are added to `unusable`, what was written to `writes`.
 * @returns false where the claim was taken over.
 */
export async function processRange(
  context: PipelineContext,
  claim: Claim,
  range: KeyRange,
  unusable: Set<string>,
  writes: WrittenRows,
  signal?: AbortSignal,
): Promise<boolean> {
  const reading = readingOf(context, claim);
  let after: string | null = null;
  let limit = context.settings.batchRows;
  do {
    const work: WorkPage = await measured(context, 'read', () =>
      withReadableRows(reading, range, () => readWork(context, range, after, limit)),
    );
    if (work.rows.length === 0) return true;
    const page = await measured(context, 'embed', () => embedRows(context, work.rows, signal));
    context.instruments?.tokens(page.tokens);
    for (const { row } of page.unusable) unusable.add(row.key);
    if (!(await measured(context, 'stage', () => stagePage(context, claim, work.rows, page)))) return false;
    if (!(await measured(context, 'merge', () => mergePage(context, claim, work.rows, page, writes))))
      return false;
    ({ after, limit } = work);
  } while (after !== null);
  return true;
}
