/** Completion of verbs and flags, as a script for the shell. */

const PROGRAM = 'pgvector-backfill';

type Script = (flags: ReadonlyMap<string, readonly string[]>) => string;

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

/** By the shell's name; takes the flags of each verb. */
export const SHELLS: Record<string, Script> = { bash, zsh };
