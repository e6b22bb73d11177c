/** Queries that the operator gives: files, or what was judged on the search page. */

import { resolve } from 'node:path';
import { ledgerPresent } from '../../db/migrate.ts';
import type { Pool } from '../../db/pool.ts';
import { ConfigError, GateError } from '../../errors.ts';
import { loadJudged } from '../../ledger/verification/judgements.ts';
import { readJudgements, readQueries } from '../../relevance/query-file.ts';
import type { QueryInput } from '../input.ts';

type Flags = Record<string, string | boolean | undefined>;

/** @throws ConfigError where flags do not go together, or a file cannot be read */
export async function readQueryFiles(flags: Flags, cwd: string): Promise<QueryInput> {
  const { queries, judgements, judged } = flags;
  if (judged === true && queries !== undefined)
    throw new ConfigError('--judged brings its own queries: it does not go with --queries.', {
      code: 'USAGE',
      remedy: 'Leave one of the two out.',
    });
  if (judgements !== undefined && queries === undefined)
    throw new ConfigError('--judgements needs --queries: the texts of what was judged.', {
      code: 'USAGE',
      remedy: 'Add --queries FILE.jsonl with an id and a text per line.',
    });
  return {
    queries: typeof queries === 'string' ? await readQueries(resolve(cwd, queries)) : null,
    judgements: typeof judgements === 'string' ? await readJudgements(resolve(cwd, judgements)) : null,
  };
}

/** @throws GateError where nothing was judged yet. */
export async function judgedOnThePage(pool: Pool, backfill: string): Promise<QueryInput> {
  const judged = (await ledgerPresent(pool)) ? await loadJudged(pool, backfill) : null;
  if (judged !== null && judged.queries.length > 0) return judged;
  throw new GateError('Nothing was judged yet.', {
    code: 'NOT_JUDGED',
    remedy:
      'Run `pgvector-backfill dashboard`, open the address that it prints, search, and press relevant, partly or not beside the answers; or give --queries and --judgements.',
  });
}
