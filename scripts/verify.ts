import { resolve } from 'node:path';
import { optionName } from '../src/config/option-name.ts';
import { loadJudged } from '../src/ledger/verification/judgements.ts';
import type { Pool } from '../src/db/pool.ts';
import { ConfigError, GateError } from '../src/errors.ts';
import { readJudgements, readQueries } from '../src/relevance/query-file.ts';
import type { Target } from '../src/table/backfill-target.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import type { QueryInput, VerifyInput } from '../src/verify/input.ts';
import { assertPlannedOptions } from '../src/verify/checks/run.ts';
import { verify } from '../src/verify/verify.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { requireRun } from '../src/ledger/require-run.ts';
import { withDatabase } from '../src/cli/session.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { checkLines, measureLines } from '../src/terminal/verify-lines.ts';
import { reportWanted, writeReport } from '../src/verify/report/write.ts';

/** @throws GateError where nobody knows any more which text a vector is of. */
async function assertJudgeable(pool: Pool, target: Target): Promise<void> {
  const found = await pool.query<{ present: boolean }>('SELECT to_regclass($1) IS NOT NULL AS present', [
    target.stage,
  ]);
  if (found.rows[0]?.present === true) return;
  throw new GateError(`The staging table ${target.stage} is gone: nothing tells which text a vector is of.`, {
    code: 'NO_STAGE',
    remedy:
      '`complete` has dropped it. `pgvector-backfill enqueue` makes it again and embeds every row again.',
  });
}

async function readQueryFiles({ flags, host }: Invocation): Promise<QueryInput> {
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
    queries: typeof queries === 'string' ? await readQueries(resolve(host.cwd, queries)) : null,
    judgements: typeof judgements === 'string' ? await readJudgements(resolve(host.cwd, judgements)) : null,
  };
}

/** @throws GateError where nothing was judged yet. */
async function judgedOnThePage(pool: Pool, backfill: string): Promise<QueryInput> {
  const judged = await loadJudged(pool, backfill);
  if (judged.queries.length > 0) return judged;
  throw new GateError('Nothing was judged yet.', {
    code: 'NOT_JUDGED',
    remedy: `Run \`pgvector-backfill dashboard\` with ${optionName('dashboard.user')} and ${optionName('dashboard.password')} set, search, and press relevant, partly or not beside the answers; or give --queries and --judgements.`,
  });
}

export const verifyCommand: Command = {
  name: 'verify',
  summary:
    'The gate: accounting, dimensions, index, freshness, plan, recall curve, filters, latency, relevance. Exit code 3 where it does not pass.',
  flags: {
    queries: {
      type: 'string',
      value: 'FILE',
      help: 'Queries, JSON lines with id (or _id) and text; first lines of sampled rows where absent',
    },
    judgements: {
      type: 'string',
      value: 'FILE',
      help: 'Which keys are relevant to them: TREC qrels (query 0 key grade) or BEIR (query key grade)',
    },
    judged: {
      type: 'boolean',
      help: 'Measure by the queries and judgements that were clicked on the search page of the dashboard',
    },
    report: {
      type: 'string',
      value: 'FILE',
      help: 'Write an HTML page with charts, readable without a network; it holds no text of rows or queries',
    },
    samples: {
      type: 'string',
      value: 'N',
      help: 'Put the answers of both searches to N of the queries into the report, with titles of rows',
    },
  },
  async run(invocation) {
    const given = await readQueryFiles(invocation);
    const report = await reportWanted(invocation);
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'verify', logger, async (pool) => {
      const run = await requireRun(pool, config.backfill);
      assertPlannedOptions(run, config.settings);
      const target = await describeTarget(pool, config.backfill, config.settings);
      await assertJudgeable(pool, target);
      const queryInput =
        invocation.flags['judged'] === true ? await judgedOnThePage(pool, config.backfill) : given;
      const input: VerifyInput = {
        pool,
        target,
        settings: config.settings,
        run,
        openEmbedder: () => invocation.openEmbedder(config.settings, 1),
        queryInput,
      };
      const verification = await withProgress(invocation, (onProgress) => verify({ ...input, onProgress }));
      const { passed, checks, full, ...figures } = verification;
      if (report !== null) await writeReport(report, input, queryInput, verification);
      invocation.emit({ passed, checks, ...figures, ...full });
      for (const line of [...checkLines(checks), ...measureLines(full)]) invocation.say(line);
      invocation.say(passed ? '\nThe gate passed.' : '\nThe gate did not pass.');
      return passed ? EXIT.done : EXIT.gate;
    });
  },
};

await runAsProgram(verifyCommand, import.meta);
