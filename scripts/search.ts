import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { GENERATION_FLAG, withGeneration } from '../src/cli/session.ts';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { parseGenerationName } from '../src/config/values/generation-name.ts';
import { ConfigError, NoRunError } from '../src/errors.ts';
import { followScope, scopeDifference } from '../src/ledger/run/scope.ts';
import { compareSearches } from '../src/search/compare.ts';
import { LazyEmbedder } from '../src/search/state/lazy-embedder.ts';
import { presentGenerations } from '../src/ledger/generation/generation.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { comparisonLines } from '../src/terminal/comparison-lines.ts';
import { ASKED_FLAGS, kindOf, reading } from './lib/asked-kind.ts';
import { ownSettings } from './lib/generation-model.ts';
import { printSearchSql } from './lib/print-search-sql.ts';

const DEFAULT_K = 10;

export const search: Command = {
  name: 'search',
  summary: 'One query through the legacy search and the vector search, side by side.',
  positionals: 'QUERY',
  flags: {
    k: { type: 'string', value: 'N', help: `Hits of each search [${DEFAULT_K}]` },
    ...GENERATION_FLAG,
    ...ASKED_FLAGS,
    sql: { type: 'boolean', help: 'Print the vector search as SQL, and the function that `cutover` makes' },
  },
  async run(invocation) {
    if (invocation.flags['sql'] === true) return printSearchSql(invocation);
    const text = invocation.positionals.join(' ').trim();
    if (text === '')
      throw new ConfigError('There is no query.', {
        code: 'USAGE',
        remedy: 'Write it behind the flags: pgvector-backfill search "flat tyre".',
      });
    const kind = kindOf(invocation.flags['as']);
    const k = wholeNumber(invocation.flags, 'k', DEFAULT_K, { max: 1000 });
    const configured = await invocation.config();
    const logger = invocation.logger(configured.settings.logLevel);
    return withGeneration(invocation, configured, 'search', logger, async (pool, config) => {
      const present = await presentGenerations(pool, config.backfill);
      const found = present.find(({ name }) => name === config.backfill);
      const run = found?.run ?? null;
      const planned = { id: run?.id ?? '', scope: run?.scope ?? {} };
      const difference = scopeDifference(planned.scope, config.settings);
      if (difference !== null)
        invocation.warn(`By the options of run ${planned.id} in place of those given: ${difference}.`);
      const settings = followScope(planned, config.settings);
      const target = await describeTarget(pool, config.backfill, settings);
      const models = new LazyEmbedder(null, (own) => invocation.openEmbedder(own, 1));
      try {
        if (run === null) throw new NoRunError(config.backfill);
        const own = await ownSettings(present, configured, { ...config, settings });
        const embedder = reading(await models.get(own, run), kind);
        const asked = { passageText: invocation.flags['passages'] === true };
        const comparison = await compareSearches({ pool, target, settings, embedder }, text, k, asked);
        invocation.emit({ ...parseGenerationName(config.backfill), ...comparison });
        for (const line of comparisonLines(comparison)) invocation.say(line);
        return EXIT.done;
      } finally {
        await models.close();
      }
    });
  },
};

await runAsProgram(search, import.meta);
