import { resolve } from 'node:path';
import { ConfigError } from '../src/errors.ts';
import { recordTexts } from '../src/sample/records.ts';
import { describeTarget } from '../src/table/target.ts';
import { tableTexts } from '../src/training/table-texts.ts';
import { DEFAULT_DIMENSIONS, DEFAULT_SEED } from '../src/training/train.ts';
import { trainFrom, type TrainFromOptions, type TrainedFrom } from '../src/training/train-from.ts';
import { EXIT, runAsProgram, type Command, type Invocation } from './lib/command.ts';
import { withDatabase } from './lib/session.ts';
import { withStages } from './lib/stage-bar.ts';

function wholeNumber(invocation: Invocation, flag: string, fallback: number): number {
  const given = invocation.flags[flag];
  if (given === undefined) return fallback;
  if (typeof given === 'string' && /^\d+$/.test(given)) return Number(given);
  throw new ConfigError(`--${flag} must be a whole number, not ${JSON.stringify(given)}.`, {
    code: 'USAGE',
    remedy: `Give --${flag} a whole number, or leave it out for ${fallback}.`,
  });
}

async function trainOnTable(invocation: Invocation, options: TrainFromOptions): Promise<TrainedFrom> {
  const config = await invocation.config();
  return withDatabase(config, 'train-model', invocation.logger(config.settings.logLevel), async (pool) =>
    trainFrom(tableTexts(pool, await describeTarget(pool, config.backfill, config.settings)), options),
  );
}

export const trainModelCommand: Command = {
  name: 'train-model',
  summary:
    "Trains a small embedding model on the table's own texts, or a file's. Its tokenizer.json lists words of these texts: keep it as you keep the table.",
  flags: {
    out: { type: 'string', value: 'DIR', help: 'Directory of the model; required' },
    from: {
      type: 'string',
      value: 'FILE',
      help: '.jsonl or .csv (also .gz) with title and text, in place of the table',
    },
    dimensions: {
      type: 'string',
      value: 'N',
      help: `Length of the vectors, 2 to 1024 [${DEFAULT_DIMENSIONS}]`,
    },
    seed: { type: 'string', value: 'N', help: `Same texts and seed, same model [${DEFAULT_SEED}]` },
  },
  options: ['database', 'table', 'key', 'text', 'where', 'logLevel'],
  async run(invocation) {
    const { out, from } = invocation.flags;
    if (typeof out !== 'string' || out === '') {
      throw new ConfigError('--out is missing: the directory to write the model to.', {
        code: 'USAGE',
        remedy: 'For example: npm run train-model -- --out models/mine',
      });
    }
    const options: TrainFromOptions = {
      out: resolve(invocation.host.cwd, out),
      dimensions: wholeNumber(invocation, 'dimensions', DEFAULT_DIMENSIONS),
      seed: wholeNumber(invocation, 'seed', DEFAULT_SEED),
      signal: invocation.signal,
    };
    const onNotes = (notes: string[]): void => notes.forEach((note) => invocation.warn(note));
    const result = await withStages(invocation, (onStage) =>
      typeof from === 'string'
        ? trainFrom(recordTexts(resolve(invocation.host.cwd, from), { signal: invocation.signal, onNotes }), {
            ...options,
            onStage,
          })
        : trainOnTable(invocation, { ...options, onStage }),
    );
    invocation.say(
      `Trained on ${result.trainedOn} of ${result.documents} texts: ${result.vocabulary} words, ${result.dimensions} dimensions, ${result.seconds} s.`,
    );
    invocation.say(`Next: --model-local-path ${result.out}`);
    invocation.emit(result);
    return EXIT.done;
  },
};

await runAsProgram(trainModelCommand, import.meta);
