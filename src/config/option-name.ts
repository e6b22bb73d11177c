/** How messages name an option, so that the reader can change it wherever they set it. */

import { fileKey } from './option.ts';
import { OPTIONS, type OptionPath } from './options.ts';

/** `model.endpoint (--model-endpoint, env BACKFILL_MODEL_ENDPOINT, file key backfills.<name>.model.endpoint)`. */
export function optionName(path: OptionPath, backfill: string | null = null): string {
  const declared = OPTIONS[path];
  return `${declared.name} (--${declared.flag}, env ${declared.env}, file key ${fileKey(declared, backfill)})`;
}
