/** Whether this machine has the memory that a static model's table takes in the inference processes: each has its own. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { BASE_BYTES, usableMemory } from '../../embedding/inference/memory.ts';
import { usableProcessors } from '../../embedding/inference/processors.ts';
import { staticTableBytes } from '../../embedding/inference/static-table.ts';
import { modelOptions } from '../../embedding/open-embedder.ts';
import { bytes, count } from '../../observability/format.ts';
import type { Finding } from './finding.ts';

/** Of nothing that is said of any other model. @param usable bytes */
export async function checkStaticMemory(settings: Settings, usable = usableMemory()): Promise<Finding[]> {
  const { model, worker } = settings;
  const table = model.endpoint === undefined ? await staticTableBytes(modelOptions(settings)) : null;
  if (table === null) return [];
  const processes = worker.threads ?? usableProcessors();
  const each = BASE_BYTES + table;
  const needed = `${count(processes)} inference ${processes === 1 ? 'process takes' : 'processes take'} up to ${bytes(processes * each)}, ${bytes(each)} each, of which the model's table and words are ${bytes(table)}`;
  if (processes * each <= usable)
    return [
      { level: 'ok', check: 'model-memory', message: `${needed}; this machine gives them ${bytes(usable)}` },
    ];
  const fewer = Math.floor(usable / each);
  return [
    {
      level: 'warn',
      check: 'model-memory',
      message: `${needed}, and this machine gives them ${bytes(usable)}: the system would kill them`,
      remedy: `${fewer === 0 ? 'Take' : `Set ${optionName('worker.threads')} to ${fewer}, or take`} fewer dimensions (${optionName('model.dimensions')}), or a model with a smaller table.`,
      option: 'worker.threads',
    },
  ];
}
