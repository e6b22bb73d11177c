/** How messages name an option, so that the reader can change it wherever they set it. */

import { OPTIONS, type OptionPath } from './options.ts';

/** `model.endpoint (--model-endpoint, env BACKFILL_MODEL_ENDPOINT, file key backfills.<name>.model.endpoint)`. */
export function optionName(path: OptionPath, backfill: string | null = null): string {
  const { flag, env, scope } = OPTIONS[path];
  const key = scope === 'global' ? path : `backfills.${backfill ?? '<name>'}.${path}`;
  return `${path} (--${flag}, env ${env}, file key ${key})`;
}
