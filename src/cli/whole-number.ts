import { ConfigError } from '../errors.ts';
import type { Flags } from './flags.ts';

interface Limits {
  min?: number;
  max?: number;
  remedy?: string;
}

/** The number that a flag gives, or `fallback` where it is not given. @throws ConfigError `USAGE` for anything else */
export function wholeNumber<T extends number | null>(
  flags: Flags,
  name: string,
  fallback: T,
  { min = 1, max = Infinity, remedy }: Limits = {},
): number | T {
  const given = flags[name];
  if (given === undefined) return fallback;
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : NaN;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new ConfigError(`--${name} must be a whole number ${range} (got ${JSON.stringify(given)}).`, {
    code: 'USAGE',
    ...(remedy === undefined ? {} : { remedy }),
  });
}
