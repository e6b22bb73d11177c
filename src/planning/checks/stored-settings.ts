/** Whether the database can keep the options of the backfill, which the ledger has for searches and other workers to go by. */

import { optionName } from '../../config/option-name.ts';
import { OPTION_PATHS } from '../../config/options.ts';
import type { Settings } from '../../config/settings.ts';
import { valueAt } from '../../config/shape.ts';
import type { Pool } from '../../db/pool.ts';
import { unencodableCharacter } from '../../search/queries/unencodable-query.ts';
import type { Finding } from './finding.ts';
import { storedSettings } from '../enqueue.ts';

export async function checkStoredSettings(pool: Pool, settings: Settings): Promise<Finding[]> {
  const stored = storedSettings(settings);
  const all = JSON.stringify(stored);
  try {
    await pool.query('SELECT $1::text', [all]);
    return [];
  } catch (error) {
    const character = unencodableCharacter(error, all);
    if (character === null) throw error;
    const holder = OPTION_PATHS.find((each) => JSON.stringify(valueAt(stored, each))?.includes(character));
    const path = holder ?? 'text';
    return [
      {
        level: 'error',
        check: 'encoding',
        message: `Option ${path} has a character (${character}) that the encoding of this database cannot hold.`,
        remedy: `Write ${optionName(path)} without it, or move the table to a database in UTF8.`,
        option: path,
      },
    ];
  }
}
