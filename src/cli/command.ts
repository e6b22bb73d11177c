/** The contract of a verb: what it declares, and what it is given when it runs. */

import type { Config } from '../config/load.ts';
import type { OptionPath } from '../config/options.ts';
import type { Settings } from '../config/settings.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { Logger } from '../observability/logger.ts';
import type { Host } from './host.ts';

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
  say: (line: string) => void;
  /** Prints for people beside what is asked for: on stderr, also with --json. */
  warn: (line: string) => void;
  /** The one object of --json; nothing without it. */
  emit: (result: unknown) => void;
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
  /** How it is started, where it is no verb of the program. */
  startedBy?: string;
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
