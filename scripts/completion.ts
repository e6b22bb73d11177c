import { ConfigError } from '../src/errors.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { flagsOf } from '../src/cli/flags.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { SHELLS } from '../src/cli/completion.ts';
import { VERBS } from './lib/verbs.ts';

export const completion: Command = {
  name: 'completion',
  summary:
    'Prints completion of verbs and flags for the shell: add `source <(pgvector-backfill completion bash)` to ~/.bashrc, or the same with zsh to ~/.zshrc.',
  positionals: Object.keys(SHELLS).join('|'),
  flags: {},
  options: [],
  async run(invocation) {
    const shell = invocation.positionals[0] ?? '';
    const script = SHELLS[shell];
    if (script === undefined) {
      throw new ConfigError(
        shell === '' ? 'Which shell is missing.' : `There is no completion for ${JSON.stringify(shell)}.`,
        {
          code: 'USAGE',
          remedy: `Name one of ${Object.keys(SHELLS).join(', ')}: \`pgvector-backfill completion bash\`.`,
        },
      );
    }
    const flags = new Map<string, readonly string[]>();
    // Not itself: a module that waits for its own import waits for ever.
    for (const [verb, load] of Object.entries(VERBS))
      flags.set(verb, flagsOf(verb === 'completion' ? completion : await load()));
    const text = script(flags);
    invocation.say(text);
    invocation.emit({ shell, script: text });
    return EXIT.done;
  },
};

await runAsProgram(completion, import.meta);
