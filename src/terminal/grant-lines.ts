/** Rights that are missing, as a script of SQL: what is no statement is a comment. */

import type { MissingGrants } from '../planning/grants/missing-grants.ts';

export interface Places {
  /** Of the table's database and the queue's, without credentials. */
  database: string;
  queue: string;
}

export function grantLines({ role, grants, notes }: MissingGrants, { database, queue }: Places): string[] {
  const required = grants.filter(({ optional }) => !optional);
  const optional = grants.filter((each) => each.optional);
  const lines: string[] = [];
  for (const [where, whose, place] of [
    ['database', `role ${role}`, database],
    ['queue', 'the queue', queue],
  ] as const) {
    const here = required.filter((each) => each.where === where);
    if (here.length === 0) continue;
    lines.push(`-- For ${whose}, by an administrator in ${place}:`);
    here.forEach(({ sql, reason }, at) => {
      if (reason !== here[at - 1]?.reason) lines.push(`-- ${reason}`);
      lines.push(`${sql};`);
    });
  }
  if (lines.length === 0) lines.push(`-- Role ${role} has all rights that a run needs.`);
  if (optional.length > 0) lines.push('-- Optional:');
  for (const { sql, reason } of optional) lines.push(`-- ${sql}; -- ${reason}`);
  for (const note of notes) lines.push(`-- No matter of a grant: ${note}`);
  return lines.map(oneLine);
}

/** A name may hold a line break, which would end a comment. */
const oneLine = (line: string): string => (line.startsWith('--') ? line.replaceAll(/[\r\n]+/g, ' ') : line);
