/** How many rows a batch has where nobody says it: by what a row costs. */

import type { Settings } from '../../config/settings.ts';
import { isStatic, locateModel } from '../model-files/files.ts';
import { readJson } from '../model-files/maker-json.ts';

/**
 * Of a model that is a look-up. What a batch costs by itself (statements that are parsed and planned, transactions, its job) would be a
 * quarter of the whole with 1,000; these take a fifth of a second.
 */
const LOOK_UP_ROWS = 4000;

/** @param isGiven whether somebody has said it */
export function batchRowsOf({ batchRows, model }: Settings, isGiven: boolean): number {
  if (isGiven || model.endpoint !== undefined) return batchRows;
  return isStatic(model) || readJson(locateModel(model).folder, 'config.json')?.['num_hidden_layers'] === 0
    ? LOOK_UP_ROWS
    : batchRows;
}
