/** Whether this machine has the memory that the longest texts take in the inference processes. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { modelSize, processMemory, tokensWithin, usableMemory } from '../../embedding/inference/memory.ts';
import { usableProcessors } from '../../embedding/inference/processors.ts';
import { modelOptions } from '../../embedding/open-embedder.ts';
import { bytes, count } from '../../observability/format.ts';
import type { Finding } from './finding.ts';

/** Of nothing that is said of a model on a server. @param usable bytes */
export function checkModelMemory(settings: Settings, usable = usableMemory()): Finding[] {
  const { model, worker } = settings;
  const size = model.endpoint === undefined ? modelSize(modelOptions(settings)) : null;
  if (size === null) return [];
  const isCut = model.longText === 'chunks' && model.chunkTokens !== undefined;
  const asked = isCut ? (model.chunkTokens ?? model.maxTokens) : model.maxTokens;
  const tokens = Math.min(asked, size.positions ?? asked);
  const processes = worker.threads ?? usableProcessors();
  const each = processMemory(size, tokens);
  const all =
    processes === 1
      ? `the inference process takes up to ${bytes(each)}`
      : `${count(processes)} inference processes take up to ${bytes(processes * each)}, ${bytes(each)} each`;
  const needed = `${all}, where a text has ${count(tokens)} tokens (${size.heads} heads)`;
  if (processes * each <= usable)
    return [{ level: 'ok', check: 'model-memory', message: `${needed}; the machine gives ${bytes(usable)}` }];
  const fewer = Math.floor(usable / each);
  const shorter = tokensWithin(size, usable / processes, tokens);
  const ways = [
    ...(shorter === 0 ? [] : [`${optionName('model.maxTokens')} to ${shorter} or less`]),
    ...(fewer === 0 ? [] : [`${optionName('worker.threads')} to ${fewer}`]),
  ];
  return [
    {
      level: 'warn',
      check: 'model-memory',
      message: `${needed}, and the machine gives ${bytes(usable)}: the system would kill them on the longest texts, which are quarantined then`,
      remedy:
        ways.length === 0
          ? 'Take a smaller model, or a machine with more memory.'
          : `Set ${ways.join(', or ')}; or cut long texts into passages (\`model.longText: chunks\` with \`model.chunkTokens\`).`,
      option: 'model.maxTokens',
    },
  ];
}
