/** Doctor's look at an index that is being built on the table: columns and triggers can be added only behind its end. */

import type { Queryable } from '../../db/pool.ts';
import { buildUnderWay } from '../../finalize/build/progress.ts';
import type { Target } from '../../table/backfill-target.ts';
import { missingDdl } from '../ddl.ts';
import type { Finding } from './finding.ts';

/** Of a table whose columns are there nothing is in the way. Each try to lock it would keep the application's writers waiting, in vain. */
export async function checkIndexBuild(db: Queryable, target: Target): Promise<Finding[]> {
  const build = await buildUnderWay(db, target);
  if (build === null) return [];
  const ddl = await missingDdl(db, target, target.dimensions ?? 1);
  if (ddl.every(({ locksTable }) => !locksTable)) return [];
  return [
    {
      level: 'error',
      check: 'index-build',
      message: `An index of ${target.schema}.${target.name} is being built (pid ${build.pid}): PostgreSQL adds no column to the table meanwhile.`,
      remedy:
        'Run `pgvector-backfill enqueue` again when it is built. Where another backfill builds it, `pgvector-backfill status --backfill` with the name of that one shows how far it is.',
    },
  ];
}
