import { ConfigError } from '../src/errors.ts';
import { benchWrite } from './bench/write.ts';
import { EXIT, runAsProgram, type Command } from './lib/command.ts';

export const bench: Command = {
  name: 'bench',
  summary:
    'Benchmarks, as ratios within one run. `bench write`: COPY and merge of ready vectors against psql and against row-by-row UPDATE.',
  positionals: 'write',
  flags: {
    rows: { type: 'string', value: 'N', help: 'Rows of the table [50000]' },
    dimensions: { type: 'string', value: 'N', help: 'Dimensions of the vectors [384]' },
    rounds: { type: 'string', value: 'N', help: 'Interleaved rounds; the median is reported [3]' },
  },
  options: ['database', 'logLevel'],
  async run(invocation) {
    const [suite] = invocation.positionals;
    if (suite !== 'write')
      throw new ConfigError(`There is no suite ${JSON.stringify(suite ?? '')}.`, {
        code: 'USAGE',
        remedy: 'Suites: write.',
      });
    const number = (flag: string, fallback: number): number => {
      const value = Number(invocation.flags[flag] ?? fallback);
      if (Number.isInteger(value) && value >= 1) return value;
      throw new ConfigError(
        `--${flag} must be a whole number of at least 1 (got ${String(invocation.flags[flag])}).`,
        { code: 'USAGE' },
      );
    };
    const config = await invocation.config(['table', 'text']);
    const options = {
      rows: number('rows', 50_000),
      dimensions: number('dimensions', 384),
      rounds: number('rounds', 3),
    };
    const result = await benchWrite(
      config.settings.database,
      options,
      invocation.logger(config.settings.logLevel),
      (line) => invocation.say(line),
    );
    invocation.emit(result);
    return EXIT.done;
  },
};

await runAsProgram(bench, import.meta);
