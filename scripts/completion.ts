import { ConfigError } from '../src/errors.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { flagsOf } from '../src/cli/flags.ts';
import { runAsProgram } from '../src/cli/run-as-program.ts';
import type { Command } from '../src/cli/command.ts';
import { VERBS } from './lib/verbs.ts';

const PROGRAM = 'pgvector-backfill';
const SHELLS: Record<string, (flags: ReadonlyMap<string, readonly string[]>) => string> = { bash, zsh };

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
          remedy: `Name one of ${Object.keys(SHELLS).join(', ')}: \`${PROGRAM} completion bash\`.`,
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

/** Verbs and flags are letters and dashes: nothing needs quoting. Files are offered where no flag is being typed. */
function bash(flags: ReadonlyMap<string, readonly string[]>): string {
  return [
    '_pgvector_backfill() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} flags=',
    '  COMPREPLY=()',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W '${[...flags.keys()].join(' ')}' -- "$word"))`,
    '    return',
    '  fi',
    '  case ${COMP_WORDS[1]} in',
    ...[...flags].map(([verb, names]) => `    ${verb}) flags='${names.join(' ')}' ;;`),
    '  esac',
    '  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word")); fi',
    '}',
    `complete -o default -F _pgvector_backfill ${PROGRAM}`,
  ].join('\n');
}

function zsh(flags: ReadonlyMap<string, readonly string[]>): string {
  return [
    `#compdef ${PROGRAM}`,
    '_pgvector_backfill() {',
    '  if (( CURRENT == 2 )); then',
    `    compadd -- ${[...flags.keys()].join(' ')}`,
    '    return',
    '  fi',
    '  if [[ $PREFIX != -* ]]; then _files; return; fi',
    '  case $words[2] in',
    ...[...flags].map(([verb, names]) => `    ${verb}) compadd -- ${names.join(' ')} ;;`),
    '  esac',
    '}',
    `compdef _pgvector_backfill ${PROGRAM}`,
  ].join('\n');
}

await runAsProgram(completion, import.meta);
