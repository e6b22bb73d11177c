/** What `verify --by` says in a terminal. */

import type { Groups } from '../verify/groups/measure-groups.ts';
import { groupSentences, groupsTitle, scanTable, servedTable } from '../verify/groups/group-words.ts';
import { table } from './table.ts';

/** Null where it was not asked for. */
export function groupLines(groups: Groups | null): string[] {
  if (groups === null) return [];
  const [served, scans] = [servedTable(groups), scanTable(groups)];
  return [
    '',
    groupsTitle(groups),
    ...table([served.head, ...served.rows]),
    ...(scans.rows.length === 0
      ? []
      : ['', 'By the vector index, with other settings of its scan', ...table([scans.head, ...scans.rows])]),
    ...groupSentences(groups),
  ];
}
