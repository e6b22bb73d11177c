import { createFunctionSql, plainSearchSql, settingsOfReads } from '../src/cutover/search-function.ts';
import { ConfigError, NoRunError } from '../src/errors.ts';
import { followScope, scopeDifference } from '../src/ledger/run/scope.ts';
import { compareSearches, type Comparison } from '../src/search/compare.ts';
import { LazyEmbedder } from '../src/search/state/lazy-embedder.ts';
import { loadReadState } from '../src/ledger/reads/read-state.ts';
import { searchFunctionName } from '../src/search/queries/sql-function.ts';
import { describeTarget } from '../src/ledger/backfill/describe-target.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../src/cli/command.ts';
import { withDatabase } from '../src/cli/session.ts';

const DEFAULT_K = 10;

export function comparisonLines({
  text,
  legacy,
  vector,
  overlap,
  legacyMs,
  vectorMs,
  embeddingMs,
  legacyFault,
}: Comparison): string[] {
  const width = 52;
  const cell = (hit: { key: string; title: string } | undefined): string =>
    (hit === undefined ? '' : `${hit.key}  ${hit.title}`).slice(0, width - 2).padEnd(width);
  const lines = [
    `"${text}"`,
    `  ${`legacy: ${legacy.length} hits, ${legacyMs.toFixed(1)} ms`.padEnd(width)}vector: ${vector.length} hits, ${vectorMs.toFixed(1)} ms + ${embeddingMs.toFixed(1)} ms for the model; ${overlap} in both`,
  ];
  if (legacyFault !== null) lines.push(`  the legacy search does not run for this query: ${legacyFault}`);
  for (let row = 0; row < Math.max(legacy.length, vector.length); row++) {
    const distance = vector[row]?.distance;
    lines.push(
      `  ${cell(legacy[row])}${cell(vector[row]).trimEnd()}${distance == null ? '' : `  (${distance.toFixed(3)})`}`,
    );
  }
  return lines;
}

export const search: Command = {
  name: 'search',
  summary: 'One query through the legacy search and the vector search, side by side.',
  positionals: 'QUERY',
  flags: {
    k: { type: 'string', value: 'N', help: `Hits of each search [${DEFAULT_K}]` },
    sql: {
      type: 'boolean',
      help: 'Print the vector search as SQL to paste, and the function that `cutover` makes',
    },
  },
  async run(invocation) {
    if (invocation.flags['sql'] === true) return printSql(invocation);
    const text = invocation.positionals.join(' ').trim();
    if (text === '')
      throw new ConfigError('There is no query.', {
        code: 'USAGE',
        remedy: 'Write it behind the flags: pgvector-backfill search "flat tyre".',
      });
    const k = Number(invocation.flags['k'] ?? DEFAULT_K);
    if (!Number.isInteger(k) || k < 1 || k > 1000)
      throw new ConfigError(
        `--k must be a whole number from 1 to 1000 (got ${String(invocation.flags['k'])}).`,
        { code: 'USAGE' },
      );
    const config = await invocation.config();
    const logger = invocation.logger(config.settings.logLevel);
    return withDatabase(config, 'search', logger, async (pool) => {
      const { run } = await loadReadState(pool, config.backfill);
      const planned = { id: run?.id ?? '', scope: run?.scope ?? {} };
      const difference = scopeDifference(planned.scope, config.settings);
      if (difference !== null)
        invocation.warn(`By the options of run ${planned.id} in place of those given: ${difference}.`);
      const settings = followScope(planned, config.settings);
      const target = await describeTarget(pool, config.backfill, settings);
      const models = new LazyEmbedder(null, (own) => invocation.openEmbedder(own, 1));
      try {
        if (run === null) throw new NoRunError(config.backfill);
        const embedder = await models.get(settings, run);
        const comparison = await compareSearches({ pool, target, settings, embedder }, text, k);
        invocation.emit(comparison);
        for (const line of comparisonLines(comparison)) invocation.say(line);
        return EXIT.done;
      } finally {
        await models.close();
      }
    });
  },
};

async function printSql(invocation: Invocation): Promise<number> {
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

await runAsProgram(search, import.meta);
