/** A small BERT in every precision that hubs have. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertGraph } from '../../scripts/bench/precisions/convert.ts';
import { DTYPES, type Dtype } from '../../src/config/values/dtype.ts';
import { graphFile } from '../../src/embedding/model-files/dtype.ts';
import { makeBert } from './bert.ts';
import type { OwnModel } from './model.ts';

/** @param dtypes beside fp32 */
export async function makeInPrecisions(dtypes: readonly Dtype[] = DTYPES): Promise<OwnModel> {
  const model = await makeBert({}, ['full']);
  const folder = join(model.localPath, model.name);
  const full = await readFile(join(folder, graphFile('fp32')));
  for (const dtype of dtypes.filter((each) => each !== 'fp32'))
    await writeFile(join(folder, graphFile(dtype)), convertGraph(full, dtype));
  return model;
}
