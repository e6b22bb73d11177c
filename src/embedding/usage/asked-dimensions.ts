/** Whether a local model may have as few dimensions as are asked for: what its files or makers say, or that nobody says. */

import { optionName } from '../../config/option-name.ts';
import type { Settings } from '../../config/settings.ts';
import { ConfigError } from '../../errors.ts';
import { locateModel } from '../model-files/files.ts';
import { statedCut, statedWidth, type StatedCut } from './cut.ts';

interface AskedModel {
  name: string;
  localPath: string;
  dimensions?: number | undefined;
}

interface Asked {
  asked: number;
  /** Of the whole vector, where the files say it. */
  width: number | null;
  stated: StatedCut | null;
}

/** Null where no fewer are asked for than it has. */
function askedOf(model: AskedModel): Asked | null {
  const { folder, id } = locateModel(model);
  const width = statedWidth(folder);
  if (model.dimensions === undefined || model.dimensions === width) return null;
  return { asked: model.dimensions, width, stated: statedCut(folder, [id, model.name]) };
}

/** @throws ConfigError `MODEL_DIMENSIONS` where it has fewer, or was not made for fewer */
export function assertDimensions(model: AskedModel): void {
  const found = askedOf(model);
  if (found === null) return;
  const { asked, width, stated } = found;
  const option = optionName('model.dimensions');
  if (width !== null && asked > width)
    throw new ConfigError(
      `model.dimensions is ${asked}, and the vectors of model ${model.name} have ${width} dimensions.`,
      { code: 'MODEL_DIMENSIONS', remedy: `Set ${option} to ${width} at most, or leave it out.` },
    );
  if (stated?.to !== 'none') return;
  const all = width === null ? 'its dimensions' : `its ${width} dimensions`;
  throw new ConfigError(
    `model.dimensions is ${asked}, and model ${model.name} was trained for all of ${all} together: the first ${asked} are a vector with a part missing (${stated.where}).`,
    {
      code: 'MODEL_DIMENSIONS',
      remedy: `Leave ${option} out, or take a model that was made for fewer (docs/models.md). One of this name that you have trained for it says so by "matryoshka_dimensions": [${asked}] in its config.json.`,
    },
  );
}

/** What is not refused, and yet nobody answers for; in words, null where all is said. */
export function doubtfulDimensions({ model }: Pick<Settings, 'model'>): string | null {
  const found = model.endpoint === undefined ? askedOf(model) : null;
  if (found === null) return null;
  const { asked, width, stated } = found;
  const first = `model.dimensions is ${asked}${width === null ? '' : ` of ${width}`}`;
  if (stated === null)
    return `${first}, and neither the files of model ${model.name} nor its makers' page are known to say that it was made for fewer`;
  const { to, where } = stated;
  if (to === 'none') return null;
  if (!('least' in to))
    return to.includes(asked) ? null : `${first}, and ${where} speaks of ${to.join(', ')}`;
  return asked >= to.least ? null : `${first}, and ${where} speaks of ${to.least} at least`;
}
