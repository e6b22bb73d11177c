/** `search --sql`: the vector search as SQL to paste. */

import type { Invocation } from '../../src/cli/command.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { withDatabase } from '../../src/cli/session.ts';
import { createFunctionSql, plainSearchSql, settingsOfReads } from '../../src/cutover/search-function.ts';
import { searchFunctionName } from '../../src/search/queries/sql-function.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';

export async function printSearchSql(invocation: Invocation): Promise<number> {
  const config = await invocation.config(['text']);
  const { settings, backfill } = config;
  return withDatabase(config, 'search', invocation.logger(settings.logLevel), async (pool) => {
    const target = await describeTarget(pool, backfill, settings);
    const read = await settingsOfReads(pool, target);
    const query = plainSearchSql(target, settings.metric, read);
    const definition = createFunctionSql(target, settings.metric, read);
    invocation.emit({ backfill, query, function: searchFunctionName(target), definition });
    invocation.say(`-- $1 the vector, $2 the number of rows\n${query}\n`);
    invocation.say(`-- what \`pgvector-backfill cutover\` makes\n${definition};`);
    return EXIT.done;
  });
}
