/** Recall, rows and latency of searches within groups of a column, such as tenants, by the sizes of the groups. */

import { quoteName } from '../../db/identifiers.ts';
import { loadReadSettings } from '../../ledger/reads/read-settings.ts';
import { RECALL_K } from '../measures/recall.ts';
import type { VerifyInput } from '../input.ts';
import { adviseGroups, type GroupAdvice } from './advice.ts';
import { measureCopy, type CopyResult } from './copy-effect.ts';
import { findGroupColumn, type GroupColumn } from './group-column.ts';
import { groupSizes, type GroupSizes } from './group-sizes.ts';
import { measureDeciles, type DecileFigures } from './measure-deciles.ts';

/** No value of the column is in it. */
export interface Groups extends Omit<GroupSizes, 'deciles'> {
  column: string;
  isIndexed: boolean;
  k: number;
  deciles: DecileFigures[];
  copy: CopyResult;
  advice: GroupAdvice[];
}

export interface AskedGroups {
  column: GroupColumn;
  sizes: GroupSizes;
}

type Input = Pick<VerifyInput, 'pool' | 'target' | 'settings' | 'onProgress'>;

/** What can be refused, before anything takes its time. @throws ConfigError `BY_COLUMN`, `BY_GROUPS` */
export async function findGroups({ pool, target }: Input, name: string): Promise<AskedGroups> {
  const column = await findGroupColumn(pool, target, name);
  return { column, sizes: await groupSizes(pool, target, column) };
}

export async function measureGroups(input: Input, { column, sizes }: AskedGroups): Promise<Groups> {
  const { pool, target, settings, onProgress } = input;
  const total = sizes.deciles.length + 1;
  const step = (done: number, what: string): void => onProgress?.({ what: `verifying ${what}`, done, total });
  const context = { pool, target, settings, read: await loadReadSettings(pool, target.backfill) };
  const deciles = await measureDeciles(context, column, sizes, (decile) =>
    step(decile - 1, `searches within groups: decile ${decile} of ${sizes.deciles.length}`),
  );
  step(total - 1, 'an index of one group, on a copy');
  const copy = await measureCopy(context, column, sizes);
  const { deciles: _, ...counts } = sizes;
  return {
    column: column.name,
    isIndexed: column.isIndexed,
    ...counts,
    k: RECALL_K,
    deciles,
    copy,
    advice: adviseGroups({
      deciles,
      copy: copy.effect,
      recall: settings.verify.recall,
      table: target.table,
      column: quoteName(column.name),
      isIndexed: column.isIndexed,
    }),
  };
}
