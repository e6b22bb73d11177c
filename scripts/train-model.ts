import { resolve } from 'node:path';
import type { Command } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { ConfigError } from '../src/errors.ts';
import { withProgress } from '../src/terminal/progress-bar.ts';
import { DEFAULT_DIMENSIONS, DEFAULT_MIN_DOCUMENTS, DEFAULT_SEED } from '../src/training/train.ts';
import type { TrainFromOptions } from '../src/training/train-from.ts';
import { numberFlag, trainOnDatabase, trainOnFile } from './lib/train.ts';

export const trainModelCommand: Command = {
  name: 'train-model',
  summary:
    "Trains a small embedding model on the table's own texts, or a file's. Its tokenizer.json lists words of these texts, masked and of two at least: keep it as you keep the table.",
  flags: {
    out: { type: 'string', value: 'DIR', help: 'Directory of the model; required' },
    from: {
      type: 'string',
      value: 'FILE',
      help: '.jsonl, .ndjson, .csv or .tsv (also .gz) with title and text, in place of the table',
    },
    dimensions: {
      type: 'string',
      value: 'N',
      help: `Length of the vectors, 2 to 1024 [${DEFAULT_DIMENSIONS}]`,
    },
    'min-documents': {
      type: 'string',
      value: 'N',
      help: `Texts that a word has to stand in to be learnt and written to tokenizer.json [${DEFAULT_MIN_DOCUMENTS}]; 1 finds rare words too, where anybody may read the texts`,
    },
    seed: { type: 'string', value: 'N', help: `Same texts and seed, same model [${DEFAULT_SEED}]` },
  },
  options: ['database.url', 'table', 'key', 'text', 'where', 'mask.types', 'mask.rules', 'logLevel'],
  async run(invocation) {
    const { out, from } = invocation.flags;
    if (typeof out !== 'string' || out === '') {
      throw new ConfigError('--out is missing: the directory to write the model to.', {
        code: 'USAGE',
        remedy: 'For example: pgvector-backfill train-model --out models/mine',
      });
    }
    const options: TrainFromOptions = {
      out: resolve(invocation.host.cwd, out),
      dimensions: numberFlag(invocation, 'dimensions', DEFAULT_DIMENSIONS),
      minDocuments: numberFlag(invocation, 'min-documents', DEFAULT_MIN_DOCUMENTS),
      seed: numberFlag(invocation, 'seed', DEFAULT_SEED),
      signal: invocation.signal,
    };
    const result = await withProgress(invocation, (onProgress) =>
      typeof from === 'string'
        ? trainOnFile(invocation, from, { ...options, onProgress })
        : trainOnDatabase(invocation, { ...options, onProgress }),
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
