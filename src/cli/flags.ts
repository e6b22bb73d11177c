/** What may be typed behind a verb: its own flags, those of every verb, and the options of the table. */

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { formerFlag, type Option } from '../config/option.ts';
import { OPTIONS, OPTION_PATHS } from '../config/options.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { Command, Flag } from './command.ts';

const COMMON_FLAGS: Record<string, Flag> = {
  config: {
    type: 'string',
    value: 'FILE',
    help: 'Configuration file; backfill.config.{ts,js,json} of this folder where absent',
  },
  backfill: {
    type: 'string',
    value: 'NAME',
    help: "Which backfill of the configuration file; the table's name where there is none",
  },
  json: { type: 'boolean', help: 'Print one JSON object on stdout; logs go to stderr' },
  help: { type: 'boolean', help: 'Show this help' },
};

/** As it is typed. */
export const typed = ({ name, startedBy }: Command): string => startedBy ?? `pgvector-backfill ${name}`;

export type Flags = Record<string, string | boolean | undefined>;

/** Flags of its own and of every verb. */
export const namedFlags = (command: Command): Record<string, Flag> => ({ ...command.flags, ...COMMON_FLAGS });

export function tableOptions(command: Command): Option[] {
  const names = command.options ?? OPTION_PATHS;
  return names.map((name) => OPTIONS[name] as unknown as Option);
}

/** Flags that a verb takes, with their dashes, in the order of its help. */
export function flagsOf(command: Command): string[] {
  const own = Object.keys(namedFlags(command));
  return [...own, ...tableOptions(command).map(({ flag }) => flag)].map((name) => `--${name}`);
}

/** @throws ConfigError `USAGE` for a flag that the verb does not have */
export function parseFlags(command: Command, argv: string[]): { flags: Flags; positionals: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, flag] of Object.entries(namedFlags(command)))
    options[name] = { type: flag.type, multiple: flag.multiple ?? false };
  for (const declared of tableOptions(command)) {
    options[declared.flag] = { type: 'string' };
    const former = formerFlag(declared);
    if (former !== null) options[former] = { type: 'string' };
  }
  let parsed: { values: Record<string, string | string[] | boolean | undefined>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: argv,
      options,
      allowPositionals: command.positionals !== undefined,
      strict: true,
    }) as typeof parsed;
  } catch (error) {
    throw new ConfigError(messageOf(error), {
      code: 'USAGE',
      remedy: `See \`${typed(command)} --help\`.`,
      cause: error,
    });
  }
  const { values, positionals } = parsed;
  const flags = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
  return { flags, positionals };
}
