/** What every verb shares: flags from the option table, --help, --json, exit codes, clear errors, one clean end. */

import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { loadConfig, type Config } from '../config/load.ts';
import type { Option } from '../config/option.ts';
import { OPTIONS, OPTION_PATHS, type OptionPath } from '../config/options.ts';
import type { Settings } from '../config/settings.ts';
import { interrupted, interruptible } from '../db/interruption.ts';
import { BackfillError, ConfigError, GateError, messageOf } from '../errors.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { explainedByFiles } from '../process/open-files.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { endTracing } from '../observability/tracing.ts';
import { processHost, type Host } from './host.ts';
import { hearSignals } from './signals.ts';
import { printable, printableJson, tolerateClosedPipes } from '../terminal/terminal.ts';

export const EXIT = { done: 0, failed: 1, usage: 2, gate: 3, interrupted: 130 } as const;

export interface Flag {
  type: 'string' | 'boolean';
  help: string;
  /** May be given several times; the values then come as one list with commas. */
  multiple?: true;
  /** How the value is shown in --help. */
  value?: string;
}

export interface Invocation {
  flags: Record<string, string | boolean | undefined>;
  positionals: string[];
  host: Host;
  json: boolean;
  /** Prints for people; nothing with --json. */
  say(line: string): void;
  /** Prints for people beside what is asked for: on stderr, also with --json. */
  warn(line: string): void;
  /** The one object of --json; nothing without it. */
  emit(result: unknown): void;
  /** Loads the configuration; options in `optional` may be missing. */
  config(optional?: OptionPath[]): Promise<Config>;
  logger(level: string): Logger;
  /** The configured one; what is fetched for it is told on stderr. `processes` as for `openEmbedder`. */
  openEmbedder: (
    settings: Settings,
    processes?: number,
    notice?: (line: string) => void,
  ) => Promise<Embedder>;
  /** Aborted by SIGINT, SIGTERM or SIGHUP. */
  signal: AbortSignal;
}

export interface Command {
  name: string;
  summary: string;
  /** Shown behind the name in the usage line. */
  positionals?: string;
  flags: Record<string, Flag>;
  /** Options of the table that matter to this verb, all of them where absent. */
  options?: OptionPath[];
  /**
   * What becomes of work under way when the verb is interrupted, where it stops by `signal` alone and in its own time, as
   * workers drain. All other verbs are stopped: their statements and their model are ended, and the verb with them.
   */
  drains?: string;
  /** @returns the exit code. */
  run(invocation: Invocation): Promise<number>;
}

const COMMON: Record<string, Flag> = {
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

/** Runs a verb; what it throws becomes a message and an exit code. */
export async function runCommand(command: Command, argv: string[], host: Host): Promise<number> {
  const interrupt = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const stopListening = host.onInterrupt(() => {
    // A second signal ends at once: whoever presses twice means it.
    if (interrupt.signal.aborted) host.exit(EXIT.interrupted);
    host.stderr.write(
      `Interrupted: ${command.drains ?? 'ending what is under way'}. Ctrl-C again ends it at once.\n`,
    );
    interrupt.abort();
    if (command.drains === undefined) late = setTimeout(() => host.exit(EXIT.interrupted), OBEYED_MS).unref();
  });
  let json = argv.includes('--json');
  try {
    const invocation = parse(command, argv, host, interrupt.signal);
    json = invocation.json;
    if (invocation.flags['help'] === true) {
      host.stdout.write(helpText(command));
      return EXIT.done;
    }
    if (command.drains !== undefined) return await command.run(invocation);
    const code = await interruptible(interrupt.signal, () => command.run(invocation));
    // Whatever it made of what was taken from it.
    return interrupt.signal.aborted && code !== EXIT.done ? EXIT.interrupted : code;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    return report(error, json, host);
  } finally {
    clearTimeout(late);
    stopListening();
  }
}

/** What has not come to its end by then, waits for something that nobody can end, ms. */
const OBEYED_MS = 5000;

/** Waits for the model no longer than until the interrupt, and ends its processes then, unless the verb drains. */
async function openUntil(
  signal: AbortSignal,
  drains: boolean,
  opening: Promise<Embedder>,
): Promise<Embedder> {
  const close = (embedder: Embedder): void => void embedder.close().catch(() => {});
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(interrupted());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const embedder = await Promise.race([opening, aborted]);
    if (!drains) signal.addEventListener('abort', () => close(embedder), { once: true });
    return embedder;
  } catch (error) {
    if (signal.aborted) void opening.then(close, () => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function parse(command: Command, argv: string[], host: Host, signal: AbortSignal): Invocation {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, flag] of Object.entries({ ...COMMON, ...command.flags }))
    options[name] = { type: flag.type, multiple: flag.multiple ?? false };
  const table = tableOptions(command);
  for (const declared of table) options[declared.flag] = { type: 'string' };
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
      remedy: `See \`pgvector-backfill ${command.name} --help\`.`,
      cause: error,
    });
  }
  const { values, positionals } = parsed;
  const flags = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
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
    config: (optional) =>
      loadConfig({
        flags: Object.fromEntries(table.map((each) => [each.flag, flags[each.flag] as string | undefined])),
        env: host.env,
        cwd: host.cwd,
        configPath: flags['config'] as string | undefined,
        backfill: flags['backfill'] as string | undefined,
        verb: command.name,
        ...(command.options === undefined ? {} : { options: command.options }),
        ...(optional === undefined ? {} : { optional }),
      }),
    logger: (level) => createLogger(level, host.stderr),
    openEmbedder: (settings, processes, notice = (line) => void host.stderr.write(`${printable(line)}\n`)) =>
      openUntil(signal, command.drains !== undefined, host.openEmbedder(settings, processes, notice)),
  };
}

/** Flags that a verb takes, with their dashes, in the order of its help. */
export function flagsOf(command: Command): string[] {
  const own = Object.keys({ ...command.flags, ...COMMON });
  return [...own, ...tableOptions(command).map(({ flag }) => flag)].map((name) => `--${name}`);
}

function tableOptions(command: Command): Option[] {
  const names = command.options ?? OPTION_PATHS;
  return names.map((name) => OPTIONS[name] as unknown as Option);
}

export function helpText(command: Command): string {
  const lines = [
    command.summary,
    '',
    `Usage: pgvector-backfill ${command.name} [flags]${command.positionals === undefined ? '' : ` ${command.positionals}`}`,
    '',
  ];
  for (const [name, flag] of Object.entries({ ...command.flags, ...COMMON })) {
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
    const key = declared.scope === 'global' ? declared.path : `backfills.<name>.${declared.path}`;
    lines.push(`  --${declared.flag}   ${declared.env}   ${key}`, `      ${declared.help}${fallback}`);
  }
  lines.push(
    '',
    'Exit codes: 0 done; 1 failed while running; 2 bad usage or configuration; 3 a check or gate did not pass; 130 interrupted.',
  );
  return `${lines.join('\n')}\n`;
}

/** Where it came from, without its words: those are told above, as far as they may be. */
const framesOf = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

function report(raised: unknown, json: boolean, { stdout, stderr }: Host): number {
  const error = explainedByFiles(raised);
  const known = error instanceof BackfillError ? error : null;
  const message = printable(messageOf(error));
  const remedy = known?.remedy === undefined ? null : printable(known.remedy);
  const code =
    error instanceof ConfigError ? EXIT.usage : error instanceof GateError ? EXIT.gate : EXIT.failed;
  if (json) {
    stdout.write(`${JSON.stringify({ error: { code: known?.code ?? 'UNEXPECTED', message, remedy } })}\n`);
  }
  stderr.write(
    `error${known === null ? '' : ` ${known.code}`}: ${message}\n${remedy === null ? '' : `${remedy}\n`}`,
  );
  // A fault of ours, not of the operator's: where it came from is worth more than a tidy screen.
  if (known === null && error instanceof Error) stderr.write(`${framesOf(error)}\n`);
  return code;
}

/** Runs the verb if its file was started as a program, not imported. The exit code is set, not forced, so that output is flushed. */
export async function runAsProgram(command: Command, meta: ImportMeta): Promise<void> {
  const started = process.argv[1];
  if (started === undefined || !existsSync(started) || realpathSync(started) !== fileURLToPath(meta.url))
    return;
  hearSignals();
  tolerateClosedPipes();
  process.exitCode = await runToEnd(command, process.argv.slice(2));
}

/** As this process's own work: what was traced is handed over before it ends. */
export async function runToEnd(
  command: Command,
  argv: string[],
  host: Host = processHost(),
): Promise<number> {
  const code = await runCommand(command, argv, host);
  await endTracing();
  return code;
}
