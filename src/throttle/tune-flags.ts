/** The flags of `tune` → what is tuned then, and what changes by it. */

import type { Option } from '../config/option.ts';
import { OPTIONS } from '../config/options.ts';
import type { Settings } from '../config/settings.ts';
import { ConfigError } from '../errors.ts';
import type { Limits, Tuned } from '../ledger/progress/throttle-state.ts';
import { SIGNALS, formatValue } from './signals.ts';
import { tunedOptions, type TunedOptions } from './tuned-options.ts';

export type TuneFlags = Record<string, string | boolean | undefined>;

/** @throws ConfigError `USAGE` that names the flag and shows what was typed */
export function readTuned(flags: TuneFlags, settings: Settings, before: Tuned): Tuned {
  const tuned: Tuned = flags['reset'] === true ? {} : { ...before };
  const { 'merge-rows': rows, concurrency, 'rows-per-second': rate, threshold } = flags;
  if (typeof rows === 'string') tuned.mergeRows = read('merge-rows', OPTIONS.mergeRows, rows);
  if (typeof concurrency === 'string')
    tuned.concurrency = read('concurrency', OPTIONS['worker.concurrency'], concurrency);
  if (typeof rate === 'string')
    tuned.rowsPerSecond =
      rate === 'off' ? null : (read('rows-per-second', OPTIONS['throttle.rowsPerSecond'], rate) ?? null);
  if (typeof threshold === 'string')
    for (const each of threshold.split(',')) {
      const [name, limits] = readThreshold(each, tunedOptions(settings, tuned));
      tuned.thresholds = { ...tuned.thresholds, [name]: limits };
    }
  return tuned;
}

function read<T>(flag: string, option: Option<T>, raw: string): T {
  const checked = option.schema.safeParse(raw === '' ? raw : option.parse(raw));
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ message }) => message).join('; ');
  throw new ConfigError(`--${flag}: ${issues} (got ${JSON.stringify(raw)}).`, { code: 'USAGE' });
}

/** A stop that is not said stays as it is. */
function readThreshold(raw: string, tuning: TunedOptions): [string, Limits] {
  const [, name = '', limits = ''] = /^\s*([^=]*?)\s*=(.*)$/.exec(raw) ?? [];
  const signal = SIGNALS.find((each) => each.name === name);
  if (signal === undefined)
    throw new ConfigError(
      `--threshold must be name=hold[:stop] of ${SIGNALS.map((each) => each.name).join(', ')} (got ${JSON.stringify(raw)}).`,
      { code: 'USAGE' },
    );
  const { stop } = tuning.limits(signal.name);
  const whole = limits.includes(':') ? limits : `${limits}:${stop ?? 'off'}`;
  return [signal.name, read(`threshold ${name}`, OPTIONS[`throttle.${signal.name}`], whole)];
}

export interface TunedChange {
  name: string;
  /** As they take effect: tuned, or by the option. */
  old: number | Limits | null;
  new: number | Limits | null;
  /** Both in words. */
  shown: [old: string, new: string];
}

export function tunedChanges(settings: Settings, before: Tuned, after: Tuned): TunedChange[] {
  const [old, now] = [tunedOptions(settings, before), tunedOptions(settings, after)];
  const numbers = (['mergeRows', 'concurrency', 'rowsPerSecond'] as const).map((name): TunedChange => ({
    name,
    old: old[name],
    new: now[name],
    shown: [String(old[name] ?? 'off'), String(now[name] ?? 'off')],
  }));
  const thresholds = SIGNALS.map(({ name, unit }): TunedChange => {
    const shown = ({ hold, stop }: Limits): string => {
      const words = [
        ...(hold === null ? [] : [`holds at ${formatValue(hold, unit)}`]),
        ...(stop === null ? [] : [`stops at ${formatValue(stop, unit)}`]),
      ];
      return words.length === 0 ? 'off' : words.join(', ');
    };
    const [was, is] = [old.limits(name), now.limits(name)];
    return { name, old: was, new: is, shown: [shown(was), shown(is)] };
  });
  return [...numbers, ...thresholds].filter(
    (change) => JSON.stringify(change.old) !== JSON.stringify(change.new),
  );
}
