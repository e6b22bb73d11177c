/** What `model` says in a terminal. */

import { optionName } from '../config/option-name.ts';
import type { ModelCheck } from '../embedding/model-files/check.ts';
import type { fetchModel } from '../embedding/model-files/download.ts';
import type { ListedModel } from '../embedding/model-files/list.ts';
import { usageWords } from '../embedding/usage/usage-words.ts';
import { bytes as shown } from '../observability/format.ts';

export function fetchedLines({
  files,
  name,
  folder,
  dtype,
  checksum,
}: Awaited<ReturnType<typeof fetchModel>>): string[] {
  return [
    ...files.map(
      ({ path, bytes, fetched }) =>
        `${fetched ? 'fetched' : 'present'}  ${shown(bytes).padStart(10)}  ${path}`,
    ),
    `${name} is in ${folder}, as ${dtype}`,
    `checksum ${checksum} (${optionName('model.checksum')} pins it)`,
  ];
}

export function checkedLines(check: ModelCheck): string[] {
  const { name, files, revision, checksum, dimensions, problem } = check;
  return [
    ...files.map(
      ({ path, present, bytes }) =>
        `${present ? 'present' : 'MISSING'}  ${bytes === null ? '-'.padStart(10) : shown(bytes).padStart(10)}  ${path}`,
    ),
    ...(revision === null ? [] : [`revision ${revision}`]),
    ...(checksum === null ? [] : [`checksum ${checksum}`]),
    `used with ${usageWords(check.usage)}`,
    check.usable
      ? `${name} is usable: ${dimensions} dimensions, ${check.static ? 'static' : check.dtype}`
      : `${name} is NOT usable: ${problem}`,
  ];
}

export function listedLines(root: string, models: readonly ListedModel[]): string[] {
  if (models.length === 0)
    return [`no model in ${root}; \`pgvector-backfill model fetch\` fetches the configured one`];
  return models.map(
    ({ name, dtypes, bytes, revision, ...model }) =>
      `${name}  ${dtypes.join(', ') || (model.static ? 'static' : 'no graph')}  ${shown(bytes)}${revision === null ? '' : `  revision ${revision}`}`,
  );
}
