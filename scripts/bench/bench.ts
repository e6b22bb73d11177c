import { resolve } from 'node:path';
import { DTYPES } from '../../src/config/values/dtype.ts';
import { ConfigError } from '../../src/errors.ts';
import { recordTexts } from '../../src/demo/records.ts';
import { benchAdopt } from './adopt.ts';
import { benchCapture } from './capture.ts';
import { benchEmbed, parsePrecisions } from './embed.ts';
import { benchE2e, parseModels } from './e2e.ts';
import type { GivenMaterial } from './embed-material.ts';
import { measureMemory } from './memory.ts';
import { makeTexts } from './minilm-model.ts';
import { benchKeys } from './keys.ts';
import { benchNewModel } from './new-model/suite.ts';
import { benchPrecisions, parseDtypes } from './precisions/suite.ts';
import { benchQuality } from './quality/suite.ts';
import { benchSnapshot } from './snapshot.ts';
import { benchStore } from './store/suite.ts';
import { benchWrite } from './write.ts';
import type { OnProgress } from '../../src/observability/progress.ts';
import { ProgressBar } from '../../src/terminal/progress-bar.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { runAsProgram } from '../../src/cli/run-as-program.ts';
import type { Command, Invocation } from '../../src/cli/command.ts';

/** How a suite tells how far it is, and what came out. */
interface Voice {
  say: (line: string) => void;
  onProgress: OnProgress;
}

type Suite = (invocation: Invocation, voice: Voice) => Promise<object>;

const sizes = ({ flags }: Invocation): { rows: number; dimensions: number; rounds: number } => ({
  rows: wholeNumber(flags, 'rows', 50_000),
  dimensions: wholeNumber(flags, 'dimensions', 384),
  rounds: wholeNumber(flags, 'rounds', 3),
});

const SUITES: Record<string, Suite> = {
  async write(invocation, { say, onProgress }) {
    const { database, logLevel } = (await invocation.config(['table', 'text'])).settings;
    const options = { ...sizes(invocation), onProgress };
    return benchWrite(database.url, options, invocation.logger(logLevel), say);
  },
  async store(invocation, { say, onProgress }) {
    const { database, logLevel } = (await invocation.config(['table', 'text'])).settings;
    const options = { ...sizes(invocation), onProgress };
    return benchStore(database.url, options, invocation.logger(logLevel), say);
  },
  async keys(invocation, { say, onProgress }) {
    const { database, logLevel } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      rows: wholeNumber(invocation.flags, 'rows', 50_000),
      planRows: wholeNumber(invocation.flags, 'plan-rows', 1_000_000),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      onProgress,
    };
    return benchKeys(database.url, options, invocation.logger(logLevel), say);
  },
  async snapshot(invocation, { say, onProgress }) {
    const { database, logLevel } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      rows: wholeNumber(invocation.flags, 'rows', 1_000_000),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      onProgress,
    };
    return benchSnapshot(database.url, options, invocation.logger(logLevel), say);
  },
  async capture(invocation, { say, onProgress }) {
    const { database } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      rows: wholeNumber(invocation.flags, 'rows', 50_000),
      seconds: wholeNumber(invocation.flags, 'seconds', 3),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      onProgress,
    };
    return benchCapture(database.url, options, invocation.logger('warn'), say);
  },
  async adopt(invocation, { say, onProgress }) {
    const { database, queue } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      texts: await staticTexts(invocation),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      onProgress,
    };
    return benchAdopt({ database: database.url, queue }, options, invocation.logger('warn'), say);
  },
  async 'new-model'(invocation, { say, onProgress }) {
    const { database, queue } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      texts: await staticTexts(invocation),
      writesPerSecond: wholeNumber(invocation.flags, 'writes', 200),
      seconds: wholeNumber(invocation.flags, 'seconds', 20),
      onProgress,
    };
    return benchNewModel({ database: database.url, queue }, options, invocation.logger('warn'), say);
  },
  async quality(invocation, { say, onProgress }) {
    const { flags, host } = invocation;
    const { database } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      from: resolve(host.cwd, fromOf(invocation)),
      model: String(flags['model'] ?? 'all-MiniLM-L6-v2'),
      rows: wholeNumber(flags, 'rows', 5000),
      queries: wholeNumber(flags, 'queries', 500),
      onProgress,
    };
    return benchQuality(database.url, options, invocation.logger('warn'), say);
  },
  precisions(invocation, { say, onProgress }) {
    const options = {
      ...givenMaterial(invocation, 256),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      dtypes: parseDtypes(String(invocation.flags['precision'] ?? DTYPES.join(','))),
      onProgress,
    };
    return benchPrecisions(invocation.host.cwd, options, say);
  },
  embed(invocation, { say, onProgress }) {
    const options = {
      ...givenMaterial(invocation, 1024),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      onProgress,
      precisions: parsePrecisions(String(invocation.flags['precision'] ?? 'fp32,int8')),
    };
    return benchEmbed(invocation.host.cwd, options, say);
  },
  memory(invocation, { say }) {
    const { flags, host } = invocation;
    if (typeof flags['model'] !== 'string')
      throw missingFlag('model', 'the folder of a model', 'memory --model models/NAME');
    return measureMemory(resolve(host.cwd, flags['model']), wholeNumber(flags, 'tokens', 8192), say);
  },
  async e2e(invocation, { say, onProgress }) {
    const { database, queue } = (await invocation.config(['table', 'text'])).settings;
    const options = {
      texts: wholeNumber(invocation.flags, 'texts', 4096),
      rounds: wholeNumber(invocation.flags, 'rounds', 3),
      onProgress,
      models: parseModels(String(invocation.flags['model'] ?? 'fp32,int8,static')),
      staticTexts: () => staticTexts(invocation),
    };
    return benchE2e(
      { database: database.url, queue },
      invocation.host.cwd,
      options,
      invocation.logger('warn'),
      say,
    );
  },
};

function givenMaterial({ flags, host }: Invocation, texts: number): GivenMaterial {
  const given = (flag: string): string | undefined => {
    const path = flags[flag];
    return typeof path === 'string' ? resolve(host.cwd, path) : undefined;
  };
  return { model: given('model'), from: given('from'), texts: wholeNumber(flags, 'texts', texts) };
}

export const bench: Command = {
  name: 'bench',
  startedBy: 'npm run bench --',
  summary: [
    'Benchmarks, as ratios within one run.',
    '`bench write`: COPY and merge of ready vectors against psql and against row-by-row UPDATE (a real PostgreSQL).',
    '`bench store`: vectors in a column against vectors beside the table, on one with six indexes and an update trigger: time, WAL, growth, waits of the application, searches (a real PostgreSQL).',
    '`bench keys`: whole batches and the plan of a million rows with keys of text and of several columns, against a bigint (a real PostgreSQL).',
    '`bench capture`: writes a second with the triggers of change capture against without, and for two generations against one (a real PostgreSQL).',
    '`bench snapshot`: database time of a minute of looks at the progress page against one count of the rows (a real PostgreSQL).',
    "`bench embed`: the embedding engine against other libraries and the machine's matrix products (no server).",
    '`bench precisions`: a model of MiniLM shape in every precision that hubs have: speed, agreement with full precision, and how far a text embedded again may be off (no server).',
    '`bench adopt`: vectors that are there already, one in a thousand altered: what the sample finds, what is taken over, and how long it takes (a real PostgreSQL and Redis).',
    '`bench new-model`: another model of other dimensions for a table under writes and searches: answers that failed or mixed, latency of reads by phase, seconds of a rollback, bytes that come back (a real PostgreSQL and Redis).',
    '`bench quality`: the tables of docs/quality.md: relevance of ILIKE, full-text search, a model trained on the table, a sentence transformer and hybrid, by whole runs, and what each costs (a real PostgreSQL).',
    '`bench memory`: what inference processes take for texts of as many tokens as a model reads, against the forecast (no server; Linux).',
    '`bench e2e`: the whole worker against the bare engine (a real PostgreSQL and Redis).',
  ].join('\n'),
  positionals: Object.keys(SUITES).join('|'),
  flags: {
    rows: {
      type: 'string',
      value: 'N',
      help: 'write, store, keys, capture: rows of the table; adopt, new-model, e2e: of the static model, where no file is given [50000]; quality: of records that nobody has judged [5000]',
    },
    'plan-rows': { type: 'string', value: 'N', help: 'keys: rows of the tables that are planned [1000000]' },
    dimensions: { type: 'string', value: 'N', help: 'write, store: dimensions of the vectors [384]' },
    texts: {
      type: 'string',
      value: 'N',
      help: 'embed, e2e, precisions: texts for the models of MiniLM shape [1024, 4096, 256]',
    },
    tokens: { type: 'string', value: 'N', help: 'memory: of the long texts [8192]' },
    precision: {
      type: 'string',
      value: 'fp32,int8',
      help: 'embed: which precisions [fp32,int8]; precisions: those of model.dtype, beside fp32 [all]',
    },
    model: {
      type: 'string',
      value: 'fp32,int8,static',
      help: 'e2e: which models [fp32,int8,static]; quality: folder in FROM/models [all-MiniLM-L6-v2]; embed, precisions: folder of a model of MiniLM shape, in place of random weights; memory: folder of a model',
    },
    from: {
      type: 'string',
      value: 'FILE',
      help: 'adopt, new-model, e2e, embed, precisions: .jsonl or .csv with title and text, in place of made ones; quality: folder with models/NAME and collections, NAME/docs.jsonl (or .gz) with queries.jsonl and qrels.tsv where they are judged',
    },
    queries: {
      type: 'string',
      value: 'N',
      help: 'quality: titles as queries, where nobody has judged [500]',
    },
    seconds: {
      type: 'string',
      value: 'N',
      help: 'capture: length of one measurement [3]; new-model: of a phase [20]',
    },
    writes: { type: 'string', value: 'N', help: 'new-model: writes a second [200]' },
    rounds: { type: 'string', value: 'N', help: 'Interleaved rounds; the median is reported [3]' },
  },
  options: ['database.url', 'queue', 'logLevel'],
  async run(invocation) {
    const [name = ''] = invocation.positionals;
    const suite = SUITES[name];
    if (suite === undefined)
      throw new ConfigError(`There is no suite ${JSON.stringify(name)}.`, {
        code: 'USAGE',
        remedy: `Suites: ${Object.keys(SUITES).join(', ')}.`,
      });
    const bar = new ProgressBar({ stream: process.stderr, silent: invocation.json });
    const say = (line: string): void => {
      bar.end();
      invocation.say(line);
    };
    try {
      invocation.emit(await suite(invocation, { say, onProgress: bar.show }));
    } finally {
      bar.end();
    }
    return EXIT.done;
  },
};

/** @throws ConfigError where it is missing */
function fromOf({ flags: { from } }: Invocation): string {
  if (typeof from === 'string') return from;
  throw missingFlag('from', 'the folder with collections and models', 'quality --from ../data');
}

const missingFlag = (flag: string, what: string, example: string): ConfigError =>
  new ConfigError(`--${flag} is missing: ${what}.`, {
    code: 'USAGE',
    remedy: `For example: npm run bench -- ${example}`,
  });

/** Of a file, or made. */
async function staticTexts(invocation: Invocation): Promise<string[]> {
  const { from } = invocation.flags;
  if (typeof from !== 'string') return makeTexts(wholeNumber(invocation.flags, 'rows', 50_000));
  const texts: string[] = [];
  for await (const text of recordTexts(resolve(invocation.host.cwd, from), { signal: invocation.signal }))
    texts.push(text);
  return texts;
}

await runAsProgram(bench, import.meta);
