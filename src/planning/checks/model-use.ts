/** How the model is used, and what the configuration says otherwise than the model's makers. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { doubtfulDimensions } from '../../embedding/usage/asked-dimensions.ts';
import { contradictions, usageWords } from '../../embedding/usage/usage-words.ts';
import { usageOf } from '../../embedding/usage/usage.ts';
import type { Finding } from './finding.ts';

export function checkModelUse(settings: Settings): Finding[] {
  const used = usageOf(settings);
  const doubtful = doubtfulDimensions(settings);
  return [
    { level: 'ok', check: 'model-use', message: usageWords(used) },
    ...contradictions(used).map(({ path, words }): Finding => ({
      level: 'warn',
      check: 'model-use',
      message: `${words}: vectors are worse than the model can do, or of no use to other programs that ask the same table`,
      remedy: `Leave ${optionName(path)} out, unless you have measured that your value finds more (\`pgvector-backfill compare-models\`).`,
      option: path,
    })),
    ...(doubtful === null ? [] : [doubt(doubtful)]),
  ];
}

const doubt = (words: string): Finding => ({
  level: 'warn',
  check: 'model-use',
  message: `${words}: searches may find less than the saved room is worth`,
  remedy: `Compare it with the whole vectors (\`pgvector-backfill compare-models\`), or leave ${optionName('model.dimensions')} out.`,
  option: 'model.dimensions',
});
