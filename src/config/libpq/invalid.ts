/** A connection parameter that cannot be gone by: told before anything is connected. */

import { ConfigError } from '../../errors.ts';
import { optionName } from '../option-name.ts';

export const invalidParameter = (message: string, remedy?: string, cause?: unknown): ConfigError =>
  new ConfigError(message, {
    code: 'CONNECTION_PARAMETER',
    remedy:
      remedy ?? `Correct it in ${optionName('database.url')}, in the variable PG… or in the service file.`,
    ...(cause === undefined ? {} : { cause }),
  });
