/** `search --sql`: the vector search as SQL to paste. */

import type { Invocation } from '../../src/cli/command.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { withGeneration } from '../../src/cli/session.ts';
import { settingsOfReads } from '../../src/cutover/search-function.ts';
import { createFunctionSql, plainSearchSql } from '../../src/cutover/search-function-sql.ts';
import { searchFunctionName } from '../../src/search/queries/sql-function.ts';
import { parseGenerationName } from '../../src/config/values/generation-name.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';

export async function printSearchSql(invocation: Invocation): Promise<number> {
  const configured = await invocation.config(['text']);
  const logger = invocation.logger(configured.settings.logLevel);
  return withGeneration(invocation, configured, 'search', logger, async (pool, config) => {
    const { settings } = config;
    const target = await describeTarget(pool, config.backfill, settings);
    const read = await settingsOfReads(pool, target);
    const query = plainSearchSql(target, settings.metric, read);
    const definition = createFunctionSql(target, settings.metric, read);
    invocation.emit({
      ...parseGenerationName(config.backfill),
      query,
      function: searchFunctionName(target),
      definition,
    });
    invocation.say(`-- $1 the vector, $2 the number of rows\n${query}\n`);
    invocation.say(`-- what \`pgvector-backfill cutover\` makes\n${definition};`);
    return EXIT.done;
  });
}
