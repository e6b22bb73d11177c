/** The settings and the table of each generation as an application's search needs them, kept while they stay what they are. */

import { loadConfig } from '../../config/load.ts';
import { mergeSettings, readSection, readStored } from '../../config/section.ts';
import { valueAt } from '../../config/shape.ts';
import { USAGE_PATHS } from '../../config/usage-paths.ts';
import type { OptionPath } from '../../config/options.ts';
import type { BackfillConfig, Settings, SomeSettings } from '../../config/settings.ts';
import type { Queryable } from '../../db/pool.ts';
import { ConfigError } from '../../errors.ts';
import { followScope, scopeDifference } from '../../ledger/run/scope.ts';
import type { Target } from '../../table/backfill-target.ts';
import { describeTarget } from '../../ledger/backfill/describe-target.ts';
import type { GenerationState, PlannedRun, ReadState } from '../../ledger/reads/read-state.ts';
import { namesAnotherModel } from '../../ledger/generation/settings.ts';
import {
  modelSettings,
  optionsOfGeneration,
  withOwnKey,
  withTakenDtype,
  without,
} from './options-of-generation.ts';

export interface ContextSource {
  pool: Queryable;
  backfill: string;
  /** Configuration file; none is read where absent. */
  config: string | undefined;
  /** Options by their names in the configuration file; they win over file and ledger. */
  options: BackfillConfig | undefined;
  /** Nothing of PINNED is taken from the ledger. */
  pin?: boolean | undefined;
}

/**
 * What makes SQL that the application's role runs, and addresses that its queries go to: whoever may write to the ledger
 * could have it run and send what they like.
 */
const PINNED = [
  'table',
  'key',
  'text',
  'where',
  'store',
  'column',
  'updatedAtColumn',
  'legacySearch',
  'search.filters',
  'search.textConfig',
  'model.name',
  'model.localPath',
  'model.allowDownload',
  'model.hub',
  'model.endpoint',
  'watch.keepQueries',
] as const satisfies readonly OptionPath[];

export interface BackfillContext {
  settings: Settings;
  target: Target;
  /** By which the model is opened, in the order in which they are tried. */
  models: readonly Settings[];
}

const REQUIRED = ['table', 'text'] as const;

interface Kept {
  version: string;
  context: Promise<BackfillContext>;
}

export class ContextKeeper {
  readonly #source: ContextSource;
  /** What the application gave, as it gave it. */
  #given: Promise<SomeSettings> | null = null;
  /** By the generations' names in the ledger. */
  readonly #kept = new Map<string, Kept>();

  constructor(source: ContextSource) {
    this.#source = source;
  }

  /** @throws ConfigError where neither ledger nor application say which table it is about. */
  get(present: ReadState, state: GenerationState): Promise<BackfillContext> {
    const held = this.#kept.get(state.name);
    if (state.stored === null) {
      // A backfill that was there before and is gone: its table is still searched as it was.
      const last = held ?? [...this.#kept.values()].at(-1);
      if (last !== undefined) return last.context;
    }
    const version = `${state.version} ${present.generations.map(({ generation }) => generation).join()}`;
    if (held?.version === version) return held.context;
    const kept = { version, context: this.#describe(present, state) };
    this.#kept.set(state.name, kept);
    kept.context.catch(() => {
      if (this.#kept.get(state.name) === kept) this.#kept.delete(state.name);
    });
    return kept.context;
  }

  /**
   * After an error that a name is unknown: the extension may have moved to another schema since the table was looked at.
   * @returns the table as it is now; null where its names are what they were, and the error is about something else
   */
  async renew(present: ReadState, state: GenerationState, known: Target): Promise<Target | null> {
    const before = this.get(present, state);
    // Of several searches at a time, the first looks for all.
    if ((await before).target === known && this.#kept.get(state.name)?.context === before)
      this.#kept.delete(state.name);
    const { target } = await this.get(present, state);
    return target.vectorPrefix === known.vectorPrefix ? null : target;
  }

  async #describe(present: ReadState, { name, stored, run }: GenerationState): Promise<BackfillContext> {
    const { pool, backfill, pin } = this.#source;
    this.#given ??= this.#read();
    this.#given.catch(() => {
      this.#given = null;
    });
    const known = readStored(stored ?? {});
    const given = withTakenDtype(await this.#given, known);
    const isChosen = present.hasMore && pin !== true;
    const settings = mergeSettings(
      without(known, pin === true ? PINNED : []),
      isChosen ? optionsOfGeneration(given, known) : given,
    );
    if (REQUIRED.some((option) => settings[option] === undefined))
      throw new ConfigError(`Nothing is known of the backfill ${backfill} in this database.`, {
        code: 'BACKFILL_UNKNOWN',
        remedy:
          'Give createSearch the name of a backfill that was enqueued here, or its options: config (a file) or options (table, text, legacySearch, …); with `pin` they have to be given.',
      });
    if (pin === true) {
      this.#assertPinned(scopeDifference(run?.scope ?? {}, settings, PINNED));
      if (present.hasMore && namesAnotherModel(given, known)) this.#assertPinned('another model');
    }
    const followed = this.#follow(run, settings as Settings);
    const all = present.generations.map((each) => readStored(each.stored ?? {}));
    const complete = isChosen ? withOwnKey(followed, given, all) : followed;
    const target = await describeTarget(pool, name, complete);
    return { settings: complete, target, models: isChosen ? modelSettings(complete, known) : [complete] };
  }

  /** @throws ConfigError where the run was planned for other rows, texts or columns than the application says */
  #assertPinned(difference: string | null): void {
    if (difference === null) return;
    throw new ConfigError(
      `The search of ${this.#source.backfill} is pinned to the application's own options, but the rows' vectors are of others: ${difference}.`,
      {
        code: 'SEARCH_PINNED',
        remedy:
          'Give createSearch the options of the last `enqueue`, or find out who has enqueued with others; without `pin` the search follows the ledger.',
      },
    );
  }

  /** Rows and vectors are as the run was planned, whatever the application was given meanwhile; so that no search stops for it. */
  #follow(run: PlannedRun | null, settings: Settings): Settings {
    const { id = '', scope = {} } = run ?? {};
    const difference = scopeDifference(scope, settings);
    if (difference !== null)
      process.emitWarning(
        `The search of ${this.#source.backfill} goes by the options of run ${id} in place of its own: ${difference}.`,
        { code: 'PGVECTOR_BACKFILL_OPTIONS' },
      );
    return followScope({ id, scope }, settings);
  }

  async #read(): Promise<SomeSettings> {
    const { backfill, config, options } = this.#source;
    const fromOptions = readSection({ ...options }, backfill);
    if (config === undefined) return fromOptions;
    const loaded = await loadConfig({
      flags: {},
      env: {},
      cwd: process.cwd(),
      configPath: config,
      backfill,
      verb: 'search',
      optional: ['database.url', 'table', 'text'],
    });
    // Where it does not say how the model is used, that is as it was when the rows were embedded.
    const unsaid = USAGE_PATHS.filter((path) => !loaded.given.has(path));
    return without(
      mergeSettings(loaded.settings, fromOptions),
      unsaid.filter((path) => valueAt(fromOptions, path) === undefined),
    );
  }
}
