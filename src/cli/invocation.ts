/** What a verb is given, from what was typed and from its surroundings. */

import { loadConfig } from '../config/load.ts';
import { usedConfig } from '../embedding/usage/usage.ts';
import { createLogger } from '../observability/logger.ts';
import { printable, printableJson } from '../terminal/terminal.ts';
import type { Command, Invocation } from './command.ts';
import { parseFlags, tableOptions } from './flags.ts';
import type { Host } from './host.ts';
import { openUntil } from './open-until.ts';

export function invocationOf(command: Command, argv: string[], host: Host, signal: AbortSignal): Invocation {
  const { flags, positionals } = parseFlags(command, argv);
  const json = flags['json'] === true;
  return {
    flags,
    positionals,
    host,
    json,
    signal,
    say: (line) => void (json || host.stdout.write(`${printable(line)}\n`)),
    warn: (line) => void host.stderr.write(`${printable(line)}\n`),
    emit: (result) => void (json && host.stdout.write(`${printableJson(result)}\n`)),
    config: async (optional) =>
      usedConfig(
        await loadConfig({
          flags: Object.fromEntries(
            tableOptions(command).map((each) => [each.flag, flags[each.flag] as string | undefined]),
          ),
          env: host.env,
          cwd: host.cwd,
          configPath: flags['config'] as string | undefined,
          backfill: flags['backfill'] as string | undefined,
          verb: command.name,
          ...(command.options === undefined ? {} : { options: command.options }),
          ...(optional === undefined ? {} : { optional }),
        }),
      ),
    logger: (level) => createLogger(level, host.stderr),
    openEmbedder: (settings, processes, notice = (line) => void host.stderr.write(`${printable(line)}\n`)) =>
      openUntil(signal, command.drains !== undefined, host.openEmbedder(settings, processes, notice)),
  };
}
