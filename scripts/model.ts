import type { Command, Invocation } from '../src/cli/command.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import { ConfigError } from '../src/errors.ts';
import { check, fetch, list } from './lib/model-actions.ts';

const ACTIONS: Record<string, (invocation: Invocation) => Promise<number>> = { fetch, check, list };

export const model: Command = {
  name: 'model',
  summary: [
    'The files of the configured model: fetch what is missing from the hub, check them, or list what is in model.localPath.',
    '`check` ends with 3 where the model cannot be used.',
  ].join('\n'),
  positionals: Object.keys(ACTIONS).join('|'),
  flags: {},
  options: [
    'model.name',
    'model.localPath',
    'model.allowDownload',
    'model.dtype',
    'model.quantized',
    'model.revision',
    'model.checksum',
    'model.hub',
    'model.pooling',
    'model.dimensions',
    'model.maxTokens',
  ],
  run(invocation) {
    const [action = ''] = invocation.positionals;
    const run = ACTIONS[action];
    if (run === undefined || invocation.positionals.length > 1)
      throw new ConfigError(
        invocation.positionals.length === 0
          ? 'Which action is missing: check, fetch or list.'
          : `model has no action ${JSON.stringify(invocation.positionals.join(' '))}.`,
        {
          code: 'USAGE',
          remedy: 'Write it as in: pgvector-backfill model check (or fetch, or list).',
        },
      );
    return run(invocation);
  },
};

await runAsProgram(model, import.meta);
