/** `--help`, made from what a verb declares and from the table of options. */

import { fileKey } from '../config/option.ts';
import type { Command } from './command.ts';
import { namedFlags, tableOptions, typed } from './flags.ts';

export function helpText(command: Command): string {
  const lines = [
    command.summary,
    '',
    `Usage: ${typed(command)} [flags]${command.positionals === undefined ? '' : ` ${command.positionals}`}`,
    '',
  ];
  for (const [name, flag] of Object.entries(namedFlags(command))) {
    lines.push(`  --${name}${flag.value === undefined ? '' : ` ${flag.value}`}`, `      ${flag.help}`);
  }
  const table = tableOptions(command);
  if (table.length > 0)
    lines.push(
      '',
      'Options; each also by its env variable or its key in the configuration file (flag > env > file > default):',
      '',
    );
  for (const declared of table) {
    const fallback = declared.fallback === undefined ? '' : ` [${JSON.stringify(declared.fallback)}]`;
    lines.push(
      `  --${declared.flag}   ${declared.env}   ${fileKey(declared)}`,
      `      ${declared.help}${fallback}`,
    );
  }
  lines.push(
    '',
    'Exit codes: 0 done; 1 failed while running; 2 bad usage or configuration; 3 a check or gate did not pass; 130 interrupted.',
  );
  return `${lines.join('\n')}\n`;
}
